"""Change an instance that exists: read it, send what is missing, and store what it then shows."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.conf import settings
from django.db import transaction

from instances import access, vault
from instances.access import Action
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    MaskedValueError,
    NotFoundError,
    NotSentError,
    RejectedError,
    RemoteInstance,
    ThrottledError,
    UnauthorizedError,
)
from instances.crash_points import reach
from instances.engine import accounts, adoption, calls, consenting, endings, lateness
from instances.engine.changes import Change, ErasedError
from instances.engine.claims import Claim, close_attempt
from instances.engine.editing import Edit
from instances.engine.reauthentication import Reauthentication
from instances.engine.switching import Switch
from instances.models import (
    Attempt,
    AttemptOutcome,
    Operation,
    OperationKind,
    OperationState,
)

# How often an answered request is read back before the platform is taken to have ignored it.
READ_BACKS = 3
# How often a request is sent again of which nothing shows what came of it.
MOST_REPEATS = 2
UNPROVEN = (
    "Several answers were lost, and nothing shows whether the new values are in use. Sent again, "
    "they would be in use for certain."
)
IGNORED = "The platform accepted the request and left it as it was: {}."
DIFFERS = "Done, but the platform shows something else than was asked for: {}."
KINDS: dict[OperationKind, Callable[[Operation], Change]] = {
    OperationKind.EDIT: Edit.of,
    OperationKind.REAUTHENTICATE: Reauthentication.of,
    OperationKind.DISABLE: Switch.of,
    OperationKind.ENABLE: Switch.of,
}


class OtherAccountError(Exception):
    """The secrets open another account than the one in which the instance lives."""


def run(claim: Claim) -> None:
    """Take the change as far as it goes now; safe to run again after a crash at any point."""
    try:
        change = KINDS[OperationKind(claim.operation.kind)](claim.operation)
        _continue(claim, claim.client, change)
    except ErasedError:
        claim.ask_person("expired", "The values to send were erased after their time. Start again.")
    except vault.UnreadableError:
        claim.ask_person("unreadable", "A stored secret does not open.")
    except OtherAccountError:
        claim.ask_person("other-account", adoption.OTHER_ACCOUNT)


def _continue(claim: Claim, client: CloudElementsClient, change: Change) -> None:
    if claim.operation.cancel_requested_at and not endings.state_of_doubt(claim):
        _cancel(claim)
        return
    attempt = claim.last_attempt()
    if attempt is not None and attempt.outcome == AttemptOutcome.IN_FLIGHT:
        close_attempt(attempt, AttemptOutcome.UNKNOWN, error_class="worker-lost")
        claim.move(OperationState.UNKNOWN)
    try:
        remote = _read(claim, client, change)
    except NotFoundError:
        endings.gone(claim, attempt)
    except CloudElementsError as error:
        _not_told(claim, client, error)
    else:
        _settle(claim, client, change, remote)


def _not_told(claim: Claim, client: CloudElementsClient, error: CloudElementsError) -> None:
    """A question was not answered: that is final where the account's rights do not suffice."""
    if not isinstance(error, UnauthorizedError):
        endings.try_later(claim, error)
    elif endings.are_ours_accepted(claim, client, error):
        endings.refuse(claim, error)


def _read(claim: Claim, client: CloudElementsClient, change: Change) -> RemoteInstance:
    """Read the instance in the account in which it lives: in another its number is anybody's."""
    claim.renew()
    if accounts.identify(claim.operation.organization, client) != claim.operation.made.account:
        raise OtherAccountError
    return _read_again(claim, client, change)


def _read_again(claim: Claim, client: CloudElementsClient, change: Change) -> RemoteInstance:
    claim.renew()
    return client.get_instance(claim.operation.remote_id or 0, secrets=change.secrets)


def _settle(
    claim: Claim, client: CloudElementsClient, change: Change, remote: RemoteInstance
) -> None:
    """Find out what came of an earlier request; what is not made yet is sent, for it may be again."""
    attempt = claim.last_attempt()
    is_open = attempt is not None and attempt.outcome == AttemptOutcome.UNKNOWN
    if attempt is not None and attempt.outcome == AttemptOutcome.SUCCEEDED:
        _conclude(claim, change, remote)
    elif change.is_proven(remote, was_sent=is_open):
        if attempt is not None and is_open:
            close_attempt(attempt, AttemptOutcome.SUCCEEDED, message="The instance shows it.")
        endings.finish(claim, remote)
    elif attempt is not None and is_open and not change.is_visible:
        _repeat(claim, attempt, partial(_send, claim, client, change, remote))
    else:
        if attempt is not None and is_open:
            close_attempt(attempt, AttemptOutcome.PROVEN_ABSENT, message="It is as it was.")
        _send(claim, client, change, remote)


def _repeat(claim: Claim, attempt: Attempt, send: Callable[[], None]) -> None:
    """Send the same once more, since nothing shows what came of it: made twice, it is as made once."""
    operation = claim.operation
    repeats = operation.attempts.filter(outcome=AttemptOutcome.SUPERSEDED)
    if operation.decided_at:
        repeats = repeats.filter(started_at__gt=operation.decided_at)
    if operation.cancel_requested_at or repeats.count() >= MOST_REPEATS:
        claim.ask_person("unproven", UNPROVEN)
    elif (
        adoption.age_in_seconds(attempt.ended_at or attempt.started_at)
        < settings.ENGINE["SETTLE_SECONDS"]
    ):
        looks = operation.looks + 1
        claim.release(OperationState.UNKNOWN, after=_pause(looks), looks=looks, claims=0)
    else:
        close_attempt(attempt, AttemptOutcome.SUPERSEDED)
        send()


def _send(
    claim: Claim, client: CloudElementsClient, change: Change, remote: RemoteInstance
) -> None:
    operation = claim.operation
    if operation.cancel_requested_at is not None:
        _cancel(claim)
        return
    if not access.can(operation.requester, Action.MANAGE, operation.made):
        text = f"{operation.requester} may no longer manage it, so nothing more was sent."
        endings.end(claim, OperationState.REJECTED, "permission", text)
        return
    claim.move(OperationState.CLAIMED)
    if lateness.waits(claim):
        return
    if (ready := _ready(claim, client, change)) is not None:
        _send_ready(claim, client, ready, remote)


def _ready(claim: Claim, client: CloudElementsClient, change: Change) -> Change | None:
    """Return the change with what somebody consented to, if it needs that; None if it waits."""
    if not isinstance(change, Reauthentication) or not claim.operation.payload.get("consent"):
        return change
    try:
        brought = consenting.given(claim, client, change.configuration)
    except consenting.NoWayError as error:
        endings.end(claim, OperationState.REJECTED, "consent", str(error))
    except consenting.AbandonedError as error:
        endings.end(claim, OperationState.CANCELED, "abandoned", str(error))
    except CloudElementsError as error:
        _not_told(claim, client, error)
    else:
        return replace(change, brought=brought) if brought is not None else None
    return None


def _send_ready(
    claim: Claim, client: CloudElementsClient, change: Change, remote: RemoteInstance
) -> None:
    opened: list[Attempt] = []
    brought = change.brought if isinstance(change, Reauthentication) else {}

    def about_to_leave(address: str) -> None:
        opened.append(claim.open_attempt(address))
        consenting.spend(claim, brought)

    try:
        change.send(client, remote, about_to_leave)
    except calls.HeldBackError:
        claim.release(OperationState.QUEUED, problem="", message="", claims=0)
    except CloudElementsError as error:
        if isinstance(error, NotSentError | ThrottledError):
            consenting.put_back(claim, brought)
        endings.note_failure(claim, opened[0] if opened else None, error)
        _go_on_after(claim, client, change, error)
    else:
        reach("change answered")
        _answered(claim, opened[0])
        _read_back(claim, client, change)


def _cancel(claim: Claim) -> None:
    text = "It was taken back. Nothing was changed."
    endings.end(claim, OperationState.CANCELED, "canceled", text)


def _answered(claim: Claim, attempt: Attempt) -> None:
    with transaction.atomic():
        close_attempt(attempt, AttemptOutcome.SUCCEEDED, http_status=200)
        claim.move(OperationState.CREATED, looks=0)
    claim.operation.looks = 0
    reach("change recorded")


def _read_back(claim: Claim, client: CloudElementsClient, change: Change) -> None:
    try:
        remote = _read_again(claim, client, change)
    except CloudElementsError as error:
        endings.try_later(claim, error)
    else:
        _conclude(claim, change, remote)


def _conclude(claim: Claim, change: Change, remote: RemoteInstance) -> None:
    """Store what the instance shows after an answered request, once it shows what was asked for."""
    words = ", ".join(change.missing(remote))
    looks = claim.operation.looks + 1
    if not words:
        endings.finish(claim, remote)
    elif not change.is_ignored(remote):
        endings.finish(claim, remote, problem="differs", message=DIFFERS.format(words))
    elif looks < READ_BACKS:
        claim.release(OperationState.CREATED, after=_pause(looks), looks=looks, claims=0)
    else:
        endings.end(claim, OperationState.REJECTED, "ignored", IGNORED.format(words), remote)


def _pause(looks: int) -> float:
    pauses: list[float] = settings.ENGINE["LOOK_PAUSES"]
    return pauses[min(looks, len(pauses)) - 1]


def _go_on_after(
    claim: Claim, client: CloudElementsClient, change: Change, error: CloudElementsError
) -> None:
    """What is not a definite no is looked at later; a no may mean that it is so already."""
    if isinstance(error, UnauthorizedError) and not endings.are_ours_accepted(claim, client, error):
        return
    if isinstance(error, MaskedValueError):
        endings.end(claim, OperationState.REJECTED, "masked", f"{error} Type the whole value.")
    elif isinstance(error, RejectedError | UnauthorizedError) or error.status == 409:
        _settle_refusal(claim, client, change, error)
    else:
        endings.try_later(claim, error)


def _settle_refusal(
    claim: Claim, client: CloudElementsClient, change: Change, refusal: CloudElementsError
) -> None:
    try:
        remote = _read_again(claim, client, change)
    except NotFoundError:
        endings.gone(claim, None)
    except CloudElementsError as error:
        endings.try_later(claim, error)
    else:
        if change.is_proven(remote, was_sent=False):
            endings.finish(claim, remote)
        else:
            endings.refuse(claim, refusal, remote)
