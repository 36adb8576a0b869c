"""Every failure comes out as one named error."""

from contextlib import suppress

import pytest

from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    CreateInstance,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    RemoteInstance,
    ThrottledError,
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.refusals import refusal
from sandbox.corpus import KINDS as GARBAGE
from sandbox.hostile import KINDS as HOSTILE
from sandbox.running import Account
from tests.client.calls import UNREADABLE, Connect


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
