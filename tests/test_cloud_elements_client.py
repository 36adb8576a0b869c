"""The platform's client against the sandbox: what is sent, what is read, how failures are named."""

import json
import logging
from collections.abc import Callable
from contextlib import suppress

import pytest

from instances.cloud_elements import (
    ChangeInstance,
    CloudElementsClient,
    CloudElementsError,
    CreateInstance,
    Credentials,
    MaskedValueError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteInstance,
    ThrottledError,
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.refusals import refusal
from instances.secret import Secret
from sandbox.corpus import KINDS as GARBAGE
from sandbox.hostile import KINDS as HOSTILE
from sandbox.running import Account, Entry, Sandbox

Connect = Callable[..., CloudElementsClient]
# Too long to be read whole, or two ids for one instance: its number is asked for afterwards.
UNREADABLE = {"many keys", "duplicate keys"}


@pytest.fixture
def connect(account: Account, sandbox: Sandbox) -> Connect:
    """Make a client for `account`; five seconds for a call if not said."""

    def make(*, user_secret: str = "", seconds: float = 5.0) -> CloudElementsClient:
        credentials = Credentials(
            Secret(user_secret or account.user_secret), Secret(account.organization_secret)
        )
        return CloudElementsClient(sandbox.base_url, credentials, seconds=seconds)

    return make


@pytest.fixture
def client(connect: Connect) -> CloudElementsClient:
    return connect()


@pytest.fixture
def basic(account: Account) -> CreateInstance:
    """The guide's own request, for the account's Zuora sandbox."""
    login = account.sandbox
    configuration: dict[str, str | bool] = {
        "zuorav2.sandbox": True,
        "username": login.username,
        "password": login.password,
    }
    return CreateInstance("zuorav2", "Test", ("one", "two"), configuration)


def only_post(account: Account) -> Entry:
    (entry,) = [entry for entry in account.ledger() if entry.method == "POST"]
    return entry


# What is sent


def test_request_equals_the_guide(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    client.create_instance(basic)
    entry = only_post(account)
    assert (entry.path, entry.query) == ("/instances", [])
    assert json.loads(entry.body) == basic.as_json()
    assert list(json.loads(entry.body)) == ["element", "configuration", "tags", "name"]
    headers = dict(entry.headers)
    assert headers["Authorization"] == account.authorization
    assert headers["Content-Type"] == headers["Accept"] == "application/json"


def test_custom_authentication_goes_out_as_given(
    client: CloudElementsClient, account: Account
) -> None:
    login = account.production
    configuration: dict[str, str | bool] = {
        "zuorav2.sandbox": False,
        "authentication.type": "custom",
        "clientId": login.client_id,
        "clientSecret": login.client_secret,
    }
    client.create_instance(CreateInstance("zuorav2", "Custom", (), configuration))
    assert list(json.loads(only_post(account).body)["configuration"].items()) == list(
        configuration.items()
    )


def test_tag_filter_asks_for_the_light_list(client: CloudElementsClient, account: Account) -> None:
    client.find_instances(tag="a b&c")
    assert account.ledger()[-1].query == [["tags[]", "a b&c"], ["hydrate", "false"]]


@pytest.mark.parametrize("mask", ["********", "*" * 12, " ******** "])
def test_mask_never_goes_out(client: CloudElementsClient, account: Account, mask: str) -> None:
    request = CreateInstance("zuorav2", "Test", (), {"username": "a", "password": mask})
    with pytest.raises(MaskedValueError):
        client.create_instance(request)
    assert account.ledger() == []


def test_secret_that_no_header_can_hold_is_not_sent(connect: Connect, account: Account) -> None:
    with pytest.raises(NotSentError) as caught:
        connect(user_secret="one\r\nX-Two: 2").identify()
    assert caught.value.error_class == "unsendable"
    assert "Two" not in str(caught.value)
    assert account.ledger() == []


# What is read


def test_created_instance_is_read(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    remote = client.create_instance(basic)
    true = account.only_instance()
    assert (remote.remote_id, remote.token.reveal()) == (true["id"], true["token"])
    assert (remote.name, remote.tags, remote.is_valid) == ("Test", ("one", "two"), True)
    assert remote.element["hub"] == "payment"
    assert remote.remote_created_at is not None


def test_unmasked_echo_is_masked(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    account.fault("unmasked")
    remote = client.create_instance(basic)
    assert remote.configuration["password"] == "********"
    assert remote.configuration["username"] == account.sandbox.username


def test_instance_is_read_back(client: CloudElementsClient, basic: CreateInstance) -> None:
    created = client.create_instance(basic)
    read = client.get_instance(created.remote_id)
    assert read.token.reveal() == created.token.reveal()


def test_all_pages_of_a_list_are_read(client: CloudElementsClient, account: Account) -> None:
    account.set(page_size=2)
    planted = [account.add_instance(element="zuorav2", name=f"n{n}")["id"] for n in range(5)]
    found = client.find_instances()
    assert [each.remote_id for each in found] == planted
    assert all(each.token and each.element_key == "zuorav2" for each in found)


@pytest.mark.parametrize("status", [200, 404])
def test_empty_list_is_empty(client: CloudElementsClient, account: Account, status: int) -> None:
    account.set(empty_list_status=status)
    assert client.find_instances(search_text="nothing like it") == []


def test_account_is_identified(client: CloudElementsClient, account: Account) -> None:
    assert client.identify() == str(account.organization_id)


def test_account_that_may_not_be_read_is_accepted(
    client: CloudElementsClient, account: Account
) -> None:
    account.fault("refuse identity")
    assert client.identify() == ""


# How failures of a creating request are named


@pytest.mark.parametrize("status", [400, 405, 413, 415, 422])
def test_definite_no_is_rejected(
    client: CloudElementsClient, basic: CreateInstance, account: Account, status: int
) -> None:
    account.fault("status", status=status, message="The platform says no")
    with pytest.raises(RejectedError) as caught:
        client.create_instance(basic)
    assert (caught.value.status, caught.value.platform_message) == (status, "The platform says no")
    assert caught.value.request_id
    assert caught.value.address == "127.0.0.1"


@pytest.mark.parametrize("status", [402, 406, 408, 409, 418, 425, 500, 502, 503, 504, 599])
def test_anything_else_leaves_the_outcome_unknown(
    client: CloudElementsClient, basic: CreateInstance, account: Account, status: int
) -> None:
    account.fault("status", status=status)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.create_instance(basic)
    assert caught.value.error_class == ("conflict" if status == 409 else f"status-{status}")


@pytest.mark.parametrize(("html", "family"), [(True, OutcomeUnknownError), (False, RejectedError)])
def test_404_is_believed_only_in_the_platforms_shape(
    client: CloudElementsClient,
    basic: CreateInstance,
    account: Account,
    html: bool,
    family: type[CloudElementsError],
) -> None:
    account.fault("status", status=404, html=html)
    with pytest.raises(family):
        client.create_instance(basic)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_secrets_are_unauthorized(
    client: CloudElementsClient, basic: CreateInstance, account: Account, status: int
) -> None:
    account.fault("status", status=status)
    with pytest.raises(UnauthorizedError) as caught:
        client.create_instance(basic)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("999999999999", 3600), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
def test_throttled_says_how_long(
    client: CloudElementsClient, basic: CreateInstance, account: Account, header: str, seconds: int
) -> None:
    account.fault("throttle", retry_after=header)
    with pytest.raises(ThrottledError) as caught:
        client.create_instance(basic)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("header", [None, "soon", "-1", "1e3"])
def test_429_without_a_readable_wait_is_unknown(
    client: CloudElementsClient, basic: CreateInstance, account: Account, header: str | None
) -> None:
    account.fault("throttle", retry_after=header)
    with pytest.raises(OutcomeUnknownError):
        client.create_instance(basic)


@pytest.mark.parametrize(("seconds", "family"), [(1.9, ThrottledError), (2.1, OutcomeUnknownError)])
def test_slow_429_may_have_been_carried_out(
    seconds: float, family: type[CloudElementsError]
) -> None:
    answer = Answer(429, {"retry-after": "7"}, b"", seconds, "127.0.0.1")
    assert type(refusal(answer, False, [])) is family


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("fault", ["commit then drop", "drop before commit"])
def test_dropped_answer_is_unknown(
    client: CloudElementsClient, basic: CreateInstance, account: Account, fault: str, reset: bool
) -> None:
    account.fault(fault, reset=reset)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.create_instance(basic)
    assert caught.value.error_class == "reset"


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_never_becomes_an_unusable_instance(
    connect: Connect, basic: CreateInstance, account: Account, kind: str
) -> None:
    account.fault("garbage", kind=kind)
    remote = None
    with suppress(OutcomeUnknownError):
        remote = connect(seconds=2.0).create_instance(basic)
    if remote is not None:
        assert isinstance(remote, RemoteInstance)
        assert 0 < remote.remote_id < 2**63
        assert remote.token.reveal().isprintable()


def test_error_drags_no_request_along(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    account.fault("commit then drop")
    with pytest.raises(OutcomeUnknownError) as caught:
        client.create_instance(basic)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind not in UNREADABLE])
def test_hostile_document_still_gives_id_and_token(
    client: CloudElementsClient, basic: CreateInstance, account: Account, kind: str
) -> None:
    account.fault("hostile json", kind=kind)
    remote = client.create_instance(basic)
    true = account.only_instance()
    assert (remote.remote_id, remote.token.reveal()) == (true["id"], true["token"])
    assert len(remote.name) <= 255
    assert len(remote.tags) <= 200


@pytest.mark.parametrize("kind", sorted(UNREADABLE))
def test_ambiguous_or_endless_document_is_an_unknown_outcome(
    client: CloudElementsClient, basic: CreateInstance, account: Account, kind: str
) -> None:
    account.fault("hostile json", kind=kind)
    with pytest.raises(OutcomeUnknownError):
        client.create_instance(basic)


# How failures of a question are named


def test_unknown_instance_is_not_found(client: CloudElementsClient) -> None:
    with pytest.raises(NotFoundError):
        client.get_instance(987_654_321)


@pytest.mark.parametrize("status", [302, 400, 404, 409, 429, 500, 503])
def test_unanswered_question_is_unavailable(
    client: CloudElementsClient, account: Account, status: int
) -> None:
    account.fault("status", status=status, html=True, method="GET")
    with pytest.raises(UnavailableError):
        client.get_instance(1)


@pytest.mark.parametrize("fault", ["list 404 html", "list pages fail"])
def test_half_a_list_is_no_list(client: CloudElementsClient, account: Account, fault: str) -> None:
    account.set(page_size=1)
    for name in ("one", "two"):
        account.add_instance(element="zuorav2", name=name)
    account.fault(fault, times=None)
    with pytest.raises(UnavailableError):
        client.find_instances()


def test_none_behind_the_first_page_is_no_end(
    client: CloudElementsClient, account: Account
) -> None:
    account.set(page_size=1)
    for name in ("one", "two"):
        account.add_instance(element="zuorav2", name=name)
    message = "No element instances found"
    account.fault("status", status=404, message=message, method="GET", path="/instances", skip=1)
    with pytest.raises(UnavailableError):
        client.find_instances()


def test_other_404_is_no_empty_list(client: CloudElementsClient, account: Account) -> None:
    account.fault("status", status=404, message="No such path", method="GET")
    with pytest.raises(UnavailableError):
        client.find_instances(tag="t")


@pytest.mark.parametrize("body", ["html", "empty", "null", "error body", "string"])
def test_what_is_no_list_is_unavailable(
    client: CloudElementsClient, account: Account, body: str
) -> None:
    account.fault("garbage", kind=body, method="GET")
    with pytest.raises(UnavailableError):
        client.find_instances()


def test_answer_for_another_instance_is_not_taken(
    client: CloudElementsClient, account: Account
) -> None:
    planted = account.add_instance(element="zuorav2", name="mine")
    account.fault("garbage", kind="id string", method="GET", commit=False)
    with pytest.raises(UnavailableError) as caught:
        client.get_instance(planted["id"])
    assert caught.value.error_class == "unusable"


def test_refused_secrets_are_told_from_a_missing_right(connect: Connect) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        connect(user_secret="not/the+secret=").identify()
    assert caught.value.status == 401


# What never shows


def test_errors_hold_nothing_that_was_typed(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    planted = [account.user_secret, account.organization_secret, account.sandbox.password]
    account.fault("status", status=400, message=f"Wrong: {' '.join(planted)}\u202e\r\nend")
    with pytest.raises(RejectedError) as caught:
        client.create_instance(basic)
    shown = f"{caught.value!r} {caught.value} {vars(caught.value)}"
    assert not any(secret in shown for secret in planted)
    assert "\n" not in caught.value.platform_message
    assert "\u202e" not in caught.value.platform_message


def test_nothing_secret_is_in_the_text_of_our_objects(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    remote = client.create_instance(basic)
    credentials = Credentials(Secret(account.user_secret), Secret(account.organization_secret))
    shown = f"{client!r} {credentials!r} {basic!r} {remote!r} {client.find_instances()!r}"
    token = account.only_instance()["token"]
    for secret in (account.user_secret, account.sandbox.password, token):
        assert secret not in shown


def test_nothing_secret_is_logged_at_the_lowest_level(
    client: CloudElementsClient,
    basic: CreateInstance,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    account.fault("garbage", kind="header without colon")
    with suppress(OutcomeUnknownError):
        client.create_instance(basic)
    shown = caplog.text + "".join(capfd.readouterr())
    assert account.sandbox.password not in shown
    assert account.user_secret not in shown


@pytest.mark.parametrize(
    "configuration",
    [
        {"password": "********"},
        {"event.notification.callback.url": "https://********@example.com"},
        {"event.notification.callback.url": "https://example.com?token=********&a=1"},
        {"instance.variables": '{"password": "********"}'},
        {"filter.response.nulls": True, "clientSecret": " ************ "},
    ],
)
def test_no_change_leaves_with_a_mask_in_it(
    client: CloudElementsClient, account: Account, configuration: dict[str, str | bool]
) -> None:
    with pytest.raises(MaskedValueError):
        client.change_instance(1, ChangeInstance(name="New", configuration=configuration))
    assert account.ledger() == []


def test_a_name_of_asterisks_is_a_name(client: CloudElementsClient, account: Account) -> None:
    number = account.add_instance(element="zuorav2", name="Old")["id"]
    client.change_instance(number, ChangeInstance(name="********", tags=("********",)))
    assert account.only_instance()["name"] == "********"


def test_an_error_about_a_change_does_not_echo_what_was_typed(
    client: CloudElementsClient, account: Account
) -> None:
    number = account.add_instance(element="zuorav2", name="Old")["id"]
    message = "Cannot use typed-and-secret here"
    account.fault("status", method="PATCH", path="/instances", status=400, message=message)
    with pytest.raises(RejectedError) as refusal:
        client.change_instance(number, ChangeInstance(configuration={"note": "typed-and-secret"}))
    assert refusal.value.platform_message == "Cannot use ******** here"
