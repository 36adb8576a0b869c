"""Single sign-on: only a right answer to what left this browser signs somebody in."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import Settings

from instances import operations, single_sign_on
from instances.models import AuditEntry, ExternalIdentity
from instances.one_time import code_at, present_step
from tests.sign_in.provider import CLIENT, Provider

pytestmark = pytest.mark.django_db

RETURN = "/sign-in/provider/return/"
OTHER_NONCE = "of another sign-in"
NORA = {"email": "nora@example.org", "email_verified": True, "preferred_username": "nora"}


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    running = Provider()
    running.claims = dict(NORA)
    given = {"ISSUER": running.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": "s" * 40}
    settings.OIDC = settings.OIDC | given | {"MAKES_PEOPLE": True}
    single_sign_on._discovered.cache_clear()
    yield running
    running.close()


def away(client: Client, provider: Provider, address: str = "") -> dict[str, str]:
    """Leave for the provider; return what the address there says."""
    address = address or client.get("/sign-in/provider/?next=/activity/").headers["Location"]
    said = {name: held[0] for name, held in parse_qs(urlsplit(address).query).items()}
    provider.challenge = said["code_challenge"]
    if provider.claims.get("nonce") != OTHER_NONCE:
        provider.claims["nonce"] = said["nonce"]
    return said


def come_back(client: Client, state: str) -> Any:
    return client.get(RETURN, {"state": state, "code": "c1"})


def sign_in(client: Client, provider: Provider) -> Any:
    return come_back(client, away(client, provider)["state"])


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def told(answer: Any) -> str:
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


def test_who_comes_for_the_first_time_gets_an_account(client: Client, provider: Provider) -> None:
    assert sign_in(client, provider).headers["Location"] == "/activity/"
    assert is_signed_in(client)
    user = User.objects.get()
    assert (user.username, user.email, user.has_usable_password()) == (
        "nora",
        "nora@example.org",
        False,
    )
    assert AuditEntry.objects.get(action="sign_in.done").detail == {"how": "single sign-on"}


def test_the_second_time_it_is_the_same_account_whatever_the_name(
    client: Client, provider: Provider
) -> None:
    sign_in(Client(), provider)
    provider.claims = {"preferred_username": "renamed", "email": "new@example.org"}
    sign_in(client, provider)
    assert User.objects.get().username == "nora"
    assert is_signed_in(client)


def test_code_state_nonce_and_proof_are_sent_as_they_should(
    client: Client, provider: Provider
) -> None:
    said = away(client, provider)
    assert said["code_challenge_method"] == "S256"
    assert said["redirect_uri"] == f"http://testserver{RETURN}"
    come_back(client, said["state"])
    (_path, form, login) = next(one for one in provider.asked if one[0] == "/token")
    assert form["code"] == ["c1"]
    assert login.startswith("Basic ")
    assert "client_secret" not in form


@pytest.mark.parametrize(
    "broken",
    [
        "unsigned",
        "signed with the secret",
        "other key",
        "other issuer",
        "leads elsewhere",
        "refuses",
        {"nonce": OTHER_NONCE},
        {"aud": "another"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "http://evil.example"},
        {"exp": 1},
    ],
    ids=str,
)
def test_a_wrong_answer_signs_nobody_in(
    client: Client, provider: Provider, broken: str | dict[str, Any]
) -> None:
    if isinstance(broken, str):
        provider.broken = broken
    else:
        provider.claims |= broken
    started = client.get("/sign-in/provider/").headers["Location"]
    answer = (
        come_back(client, away(client, provider, started)["state"])
        if started.startswith(provider.issuer)
        else client.get(started)
    )
    assert not is_signed_in(client)
    assert not User.objects.exists()
    assert answer.status_code in (200, 302)


@pytest.mark.parametrize("state", ["", "another"])
def test_a_state_that_did_not_leave_here_comes_to_nothing(
    client: Client, provider: Provider, state: str
) -> None:
    away(client, provider)
    assert not come_back(client, state).headers["Location"].startswith("/activity")
    assert not any(path == "/token" for path, _form, _login in provider.asked)


def test_a_return_counts_once_and_in_its_own_browser(client: Client, provider: Provider) -> None:
    state = away(client, provider)["state"]
    stranger = Client()
    come_back(stranger, state)
    assert not is_signed_in(stranger)
    come_back(client, state)
    client.post("/sign-out/")
    come_back(client, state)
    assert not is_signed_in(client)


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "evil"])
def test_it_leads_nowhere_else(client: Client, provider: Provider, wanted: str) -> None:
    address = client.get("/sign-in/provider/", {"next": wanted}).headers["Location"]
    state = away(client, provider, address)["state"]
    assert come_back(client, state).headers["Location"] == "/"


def test_an_account_with_that_address_is_not_taken_over(client: Client, provider: Provider) -> None:
    User.objects.create_superuser("root", "Nora@example.org")
    answer = sign_in(client, provider)
    assert not is_signed_in(client)
    assert "connect it under Account" in told(answer)
    assert AuditEntry.objects.get(action="sign_in.failed").result == "refused"


def test_one_connects_the_account_one_is_signed_in_with(
    client: Client, provider: Provider, make_user: Callable[..., User]
) -> None:
    eve, nora = make_user("eve"), make_user("nora")
    client.force_login(nora)
    page = client.post("/account/provider/").content.decode()
    address = page.partition(f'href="{provider.issuer}')[2].partition('"')[0]
    state = away(client, provider, provider.issuer + address.replace("&amp;", "&"))["state"]
    come_back(client, state)
    assert ExternalIdentity.objects.get().user == nora
    assert sign_in(Client(), provider).headers["Location"] == "/activity/"
    with pytest.raises(operations.ConnectedElsewhereError):
        operations.connect_identity(
            actor=eve,
            person=single_sign_on.Person(provider.issuer, "1", "", False, "", {}),
        )
    chosen = {"identity": ExternalIdentity.objects.get().pk}
    assert client.post("/account/provider/disconnect/", chosen).status_code == 302
    # Nora has no password: it is the only way in.
    assert ExternalIdentity.objects.exists()
    nora.set_password("four good long words")
    nora.save()
    client.force_login(eve)
    assert client.post("/account/provider/disconnect/", chosen).status_code == 404
    client.force_login(nora)
    assert client.post("/account/provider/disconnect/", chosen).status_code == 302
    assert not ExternalIdentity.objects.exists()


def test_who_was_not_invited_gets_no_account_unless_wanted(
    client: Client, provider: Provider, settings: Settings
) -> None:
    settings.OIDC = settings.OIDC | {"MAKES_PEOPLE": False}
    assert "invite you" in told(sign_in(client, provider))
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("rule", "claims", "is_in"),
    [
        ({"DOMAINS": "example.com, example.org"}, {}, True),
        ({"DOMAINS": "example.com"}, {}, False),
        ({"DOMAINS": "example.org"}, {"email_verified": False}, False),
        ({"DOMAINS": "example.org"}, {"email_verified": "true"}, False),
        ({"DOMAINS": "example.org"}, {"email": "nora@evil-example.org"}, False),
        ({"ADMIT": "groups=desk"}, {"groups": ["a", "desk"]}, True),
        ({"ADMIT": "groups=desk"}, {"groups": ["a", "desktop"]}, False),
        ({"ADMIT": "groups=desk"}, {}, False),
        ({"ADMIT": "department=desk"}, {"department": "desk"}, True),
    ],
    ids=str,
)
def test_only_whom_the_rules_admit(
    client: Client,
    provider: Provider,
    settings: Settings,
    rule: dict[str, str],
    claims: dict[str, Any],
    is_in: bool,
) -> None:
    settings.OIDC = settings.OIDC | rule
    provider.claims |= claims
    sign_in(client, provider)
    assert is_signed_in(client) is is_in


def test_a_deactivated_person_stays_out(client: Client, provider: Provider) -> None:
    sign_in(Client(), provider)
    User.objects.update(is_active=False)
    assert "deactivated" in told(sign_in(client, provider))
    assert not is_signed_in(client)


def test_a_second_factor_is_asked_for_here_too(client: Client, provider: Provider) -> None:
    sign_in(Client(), provider)
    user = User.objects.get()
    seed, _address = operations.address_of(operations.begin_app(actor=user))
    codes = operations.confirm_app(
        actor=user, code=code_at(seed, present_step()), address="192.0.2.1"
    )
    assert sign_in(client, provider).headers["Location"] == "/sign-in/second/"
    assert not is_signed_in(client)
    assert client.post("/sign-in/second/", {"code": codes[0]}).headers["Location"] == "/activity/"


def test_too_late_is_too_late(client: Client, provider: Provider) -> None:
    state = away(client, provider)["state"]
    session = client.session
    session["away"] = session["away"] | {"at": time.time() - 601}
    session.save()
    assert "took too long" in told(come_back(client, state))


def test_without_a_provider_there_is_no_such_page(client: Client) -> None:
    assert client.get("/sign-in/provider/").status_code == 404
    assert "Sign in with" not in client.get("/sign-in/").content.decode()
