"""What looks secret is masked before anybody keeps it."""

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instances.cloud_elements.documents import (
    FoundInstance,
    RemoteInstance,
    UnusableAnswerError,
    moment,
    tag_names,
)
from instances.cloud_elements.masks import (
    holds_mask,
    masked_configuration,
    without,
)
from instances.secret_names import MASK, is_secret_name

SECRET = 'p+a/s"s=w&örd'


def masked(value: object, key: str = "note", secrets: tuple[str, ...] = (SECRET,)) -> str | None:
    return masked_configuration({key: value}, secrets)[key]


@pytest.mark.parametrize(
    "name",
    [
        "password", "db.passwd", "ssh.passphrase", "clientSecret", "oauth.api.key", "oauth.api.secret",
        "event.notification.signature.key", "apiKey", "api_key", "private.key", "credentials",
        "Authorization", "event.notification.callback.headers", "certificate", "client.pfx",
        "oauth.user.refresh_token", "access_token", "sessionId", "user_pwd", "db.pass", "jwt",
    ],
)  # fmt: skip
def test_name_is_secret(name: str) -> None:
    assert is_secret_name(name)
    assert masked("anything", name) == MASK


@pytest.mark.parametrize(
    "name",
    [
        "event.notification.subscription.id", "zuorav2.sandbox", "username", "pagination.max",
        "pagination.page.token", "oauth.callback.url", "base.url", "bulk.query.operator",
        "event.notification.enabled", "event.vendor.type", "authentication.type", "clientId",
        "filter.response.nulls", "event.notification.callback.url", "bypass.cache",
    ],
)  # fmt: skip
def test_name_is_not_secret(name: str) -> None:
    assert not is_secret_name(name)
    assert masked("anything", name) == "anything"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        f"before {SECRET} behind",
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        json.dumps({"note": SECRET}),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_secret_is_masked_in_every_form(written: str) -> None:
    assert masked(written) == MASK
    assert SECRET not in without(written, [SECRET])


@given(st.text(st.characters(codec="ascii"), max_size=9), st.text(max_size=9))
def test_secret_is_masked_within_base64(before: str, behind: str) -> None:
    text = base64.b64encode(f"{before}long-enough-secret{behind}".encode()).decode()
    assert masked(text, secrets=("long-enough-secret",)) == MASK


@pytest.mark.parametrize("before", ["", "u", "us"])
def test_secret_is_masked_in_the_base64_of_urls(before: str) -> None:
    secret = "~~~~long???enough>>>>"
    text = base64.urlsafe_b64encode(f"{before}{secret}:".encode()).decode()
    assert "-" in text
    assert "_" in text
    assert masked(text, secrets=(secret,)) == MASK


@given(st.text(min_size=4), st.text(), st.text())
def test_text_without_a_secret_holds_none(secret: str, before: str, behind: str) -> None:
    if secret not in MASK:
        assert secret not in without(f"{before}{secret}{behind}", [secret]).replace(MASK, "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@host/path?a=1", f"https://{MASK}@host/path?a=1"),
        ("https://host/?access_token=abc&b=2#x", f"https://host/?access_token={MASK}&b=2#x"),
        ("https://host/?api%5Fkey=abc", f"https://host/?api%5Fkey={MASK}"),
        ("https://host/a@b?c=d", "https://host/a@b?c=d"),
        ("jdbc:x://host;user=sa;password=abc", f"jdbc:x://host;user=sa;password={MASK}"),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'"),
        (">=", ">="),
    ],
)
def test_secrets_inside_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ("", ""),
        (True, "true"),
        (22, "22"),
        ({"a": {"password": "x", "b": [1, True, None]}}, f'{{"a": {{"password": "{MASK}", "b": [1, true, null]}}}}'),
        ([SECRET, "plain"], f'["{MASK}", "plain"]'),
    ],
)  # fmt: skip
def test_every_value_becomes_text_or_null(value: object, shown: str | None) -> None:
    assert masked(value) == shown


def test_short_values_mask_nothing_else() -> None:
    assert masked("abc", secrets=("abc", "")) == "abc"


def test_long_values_cost_no_more_than_their_length() -> None:
    began = time.process_time()
    masked("=" + "a" * 1_000_000 + "://" * 100_000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("value", ["********", "  ************ ", {"a": [{"b": "********"}]}])
def test_mask_is_recognized(value: object) -> None:
    assert holds_mask(value)


@pytest.mark.parametrize("value", ["*******", "a********", "", True, {"********": "key"}, 8])
def test_other_values_are_no_mask(value: object) -> None:
    assert not holds_mask(value)


# Documents


@pytest.mark.parametrize(
    "document",
    [
        None, [], "text", {}, {"id": 1}, {"token": "a"},
        *({"id": bad, "token": "a"} for bad in (0, -1, True, 1.0, 2**63, "x", "", "1" * 19, None)),
        *({"id": 1, "token": bad} for bad in ("", "a b", "a\n", "ä", "a" * 4097, 5, MASK, None)),
    ],
)  # fmt: skip
def test_without_usable_id_and_token_there_is_no_instance(document: object) -> None:
    with pytest.raises(UnusableAnswerError):
        RemoteInstance.parse(document, [])


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "name",
    "tags",
    "element",
    "configuration",
    "valid",
    "disabled",
    "createdDate",
    "eventsEnabled",
)


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, odd)))
def test_any_other_field_may_be_anything(fields: dict[str, object]) -> None:
    remote = RemoteInstance.parse({**fields, "id": 12, "token": "a"}, ["secret"])
    assert (remote.remote_id, remote.token.reveal()) == (12, "a")


def test_line_of_a_list_needs_no_token() -> None:
    assert FoundInstance.parse({"id": 1}).token is None


def test_tags_are_texts_or_named_objects() -> None:
    assert tag_names(["a", {"id": 1, "name": "b"}, None, 7, "a"]) == ("a", "b")


@pytest.mark.parametrize("text", ["yesterday", "", 7, None, "9999-12-31T23:59:59-23:59"])
def test_odd_time_is_no_time(text: object) -> None:
    assert moment(text) is None


def test_time_is_aware() -> None:
    read = moment("2017-08-07T18:46:38Z")
    assert read is not None
    assert read.isoformat() == "2017-08-07T18:46:38+00:00"


@pytest.mark.parametrize("secret", ["pa'ss\\word", 'pa"ss<word>', "it''s \\n"])
def test_secret_is_masked_as_an_error_of_a_program_writes_it(secret: str) -> None:
    written = f"{secret!r} | {secret!a} | {html.escape(secret)}"
    doubled = secret.replace("'", "''")
    text = without(f"{written} | '{doubled}'", [secret])
    assert "ss" not in text
    assert "it" not in text


# What a person may send back: everything that was shown to them, as it was shown.
SHOWN = (
    ("password", "pass-word"),
    ("event.notification.signature.key", "a key"),
    ("event.notification.callback.url", "https://user:pass@example.com/hook"),
    ("event.notification.callback.url", "https://example.com/hook?a=1&api_key=abcdef&b=2"),
    ("event.notification.callback.url", "https://example.com/#access_token=abcdef"),
    ("instance.variables", {"a": 1, "password": "pass-word"}),
    ("instance.variables", [{"secret": "pass-word"}]),
    ("note", "my pass-word is here"),
    ("note", "sent as pass-word;token=abcdef"),
)


@pytest.mark.parametrize(("key", "value"), SHOWN)
def test_nothing_that_was_masked_can_be_sent_back(key: str, value: object) -> None:
    shown = masked_configuration({key: value}, ["pass-word"])
    assert MASK in str(shown)
    assert holds_mask(shown)


@given(st.dictionaries(st.sampled_from(("password", "api.key", "url", "note")), odd, max_size=4))
def test_whatever_is_shown_with_a_mask_is_recognized(configuration: dict[str, object]) -> None:
    shown = masked_configuration(configuration, [])
    assert holds_mask(shown) or MASK not in shown.values()
