"""Delete an instance on the platform: safe to repeat, and our record changes only with proof."""

from contextlib import suppress

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances import access, audit, vault
from instances.access import Action
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnauthorizedError,
)
from instances.crash_points import reach
from instances.engine import accounts, adoption, calls, leaving
from instances.engine.claims import Claim, close_attempt
from instances.models import (
    FINAL,
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Finding,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Verdict,
    database_now,
)

IN_USE = (
    "The platform does not delete it while something uses it: {} Remove what uses it, or have it use "
    "another instance; then delete this one again."
)
STILL_THERE = "The platform said that it was deleted, and still shows it."


class OtherAccountError(Exception):
    """The secrets open another account than the one in which the instance was seen."""


def run(claim: Claim) -> None:
    """Take the deletion as far as it goes now; safe to run again after a crash at any point."""
    if (left := _seconds_left(claim.operation)) > 0:
        # Something had it taken up before its day.
        claim.release(OperationState.QUEUED, after=left, claims=0)
        return
    _show(claim)
    try:
        _continue(claim, claim.client)
    except vault.UnreadableError:
        claim.ask_person("unreadable", "The secrets of the organization do not open.")
    except OtherAccountError:
        claim.ask_person("other-account", adoption.OTHER_ACCOUNT)


def _seconds_left(operation: Operation) -> float:
    """Return how long it can still be undone; a request that left is looked at whenever it is due."""
    if operation.delete_at is None or operation.attempts.exists():
        return 0.0
    return (operation.delete_at - database_now()).total_seconds()


def _show(claim: Claim) -> None:
    """Show that it is being deleted, if this claim is still the one that holds it."""
    held = Operation.objects.filter(pk=claim.operation.pk, lease_epoch=claim.epoch)
    held = held.exclude(state__in=FINAL)
    counted_down = Instance.objects.filter(operations__in=held, status=InstanceStatus.ACTIVE)
    counted_down.update(status=InstanceStatus.DELETING)


def may_delete(operation: Operation) -> bool:
    """Tell whether the requester still may, by the right the wish was accepted with."""
    if access.can(operation.requester, Action.ADMINISTER, operation.organization):
        return True
    about = operation.finding.about if operation.finding else operation.instance
    return about is not None and access.can(operation.requester, Action.MANAGE, about)


def _continue(claim: Claim, client: CloudElementsClient) -> None:
    attempt = claim.last_attempt()
    try:
        if attempt is not None and attempt.outcome in UNRESOLVED:
            _settle(claim, attempt, client)
        else:
            _control(claim, client)
            _delete(claim, client)
    except UnauthorizedError as error:
        _refused_secrets(claim, client, error)
    except CloudElementsError as error:
        _look_again(claim, error)


def _control(claim: Claim, client: CloudElementsClient) -> None:
    claim.renew()
    operation = claim.operation
    subject = operation.instance or operation.finding
    if accounts.identify(operation.organization, client) != (subject and subject.account):
        raise OtherAccountError


def _settle(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> None:
    """Find out what came of an earlier request: absence counts between two good controls."""
    if attempt.outcome == AttemptOutcome.IN_FLIGHT:
        close_attempt(attempt, AttemptOutcome.UNKNOWN, error_class="worker-lost")
    claim.move(OperationState.UNKNOWN)
    _control(claim, client)
    if _is_there(claim, client):
        close_attempt(attempt, AttemptOutcome.PROVEN_ABSENT, message="It is still there.")
        _delete(claim, client)
    else:
        _prove(claim, attempt, client)


def _prove(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> None:
    """Believe that it is gone once the secrets still open its account."""
    _control(claim, client)
    _done(claim, attempt)


def _read_back(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> None:
    """Believe no answer: what was deleted is gone between two good controls."""
    reach("deletion answered")
    close_attempt(attempt, AttemptOutcome.UNKNOWN, http_status=200)
    claim.move(OperationState.UNKNOWN)
    reach("deletion recorded")
    _control(claim, client)
    if _is_there(claim, client):
        _look_again(claim, None, STILL_THERE)
    else:
        _prove(claim, attempt, client)


def _is_there(claim: Claim, client: CloudElementsClient) -> bool:
    claim.renew()
    try:
        client.get_instance(claim.operation.remote_id or 0)
    except NotFoundError:
        return False
    return True


def _delete(claim: Claim, client: CloudElementsClient) -> None:
    if not may_delete(claim.operation):
        # Only now: what an earlier request did is found out whoever asked for it.
        _refuse(claim, "permission", "Its requester may no longer delete it, so we did not.")
        return
    opened: list[Attempt] = []
    claim.move(OperationState.CLAIMED)
    try:
        client.delete_instance(
            claim.operation.remote_id or 0,
            before_send=lambda address: opened.append(claim.open_attempt(address)),
        )
    except calls.HeldBackError:
        claim.release(OperationState.QUEUED, claims=0)
    except CloudElementsError as error:
        _failed(claim, opened[0] if opened else None, error, client)
    else:
        _read_back(claim, opened[0], client)


def _failed(
    claim: Claim, attempt: Attempt | None, error: CloudElementsError, client: CloudElementsClient
) -> None:
    """Write how the request ended; what is not a definite no is looked at later."""
    outcome = _outcome(error)
    if attempt is None:
        claim.note_unsent(error_class=error.error_class, message=str(error), address=error.address)
    else:
        close_attempt(
            attempt,
            outcome,
            http_status=error.status,
            error_class=error.error_class,
            message=(error.platform_message or str(error))[:300],
            request_id=error.request_id,
        )
    if isinstance(error, UnauthorizedError):
        raise error
    if error.status == 409:
        _refuse(claim, "in-use", IN_USE.format(error.platform_message or "it is in use."))
    elif isinstance(error, RejectedError) and error.status != 404:
        _refuse(claim, "rejected", f"The platform refused to delete it: {error.platform_message}")
    else:
        _look_again(claim, error)


def _outcome(error: CloudElementsError) -> AttemptOutcome:
    """A 404 says that it is not there, or that it is not shown to us: looked at before believed."""
    if isinstance(error, NotSentError):
        return AttemptOutcome.NOT_SENT
    if isinstance(error, ThrottledError):
        return AttemptOutcome.THROTTLED
    if error.status == 404 or (isinstance(error, OutcomeUnknownError) and error.status != 409):
        return AttemptOutcome.UNKNOWN
    return AttemptOutcome.REJECTED


def _look_again(claim: Claim, error: CloudElementsError | None, message: str = "") -> None:
    operation = claim.operation
    message = message or str(error)
    began = operation.decided_at or operation.delete_at or operation.created_at
    if adoption.age_in_seconds(began) > adoption.GIVE_UP_SECONDS:
        claim.ask_person("unreachable", f"A day of trying did not delete it. {message}")
        return
    has_unresolved = operation.attempts.filter(outcome__in=UNRESOLVED).exists()
    state = OperationState.UNKNOWN if has_unresolved else OperationState.QUEUED
    pauses = settings.ENGINE["LOOK_PAUSES"]
    asked_to_wait = error.retry_after if error else 0.0
    pause = max(pauses[min(operation.looks, len(pauses) - 1)], asked_to_wait)
    claim.release(
        state,
        after=pause,
        looks=operation.looks + 1,
        problem=error.error_class if error else "still-there",
        message=message[:600],
        claims=0,
    )


def _refused_secrets(claim: Claim, client: CloudElementsClient, error: UnauthorizedError) -> None:
    """Whose secrets were refused: the control call tells."""
    with suppress(CloudElementsError):
        try:
            client.identify()
        except UnauthorizedError:
            _block(claim)
            return
        if not claim.operation.attempts.filter(outcome__in=UNRESOLVED).exists():
            said = error.platform_message
            _refuse(claim, "rejected", f"The platform refused to delete it: {said}")
            return
    _look_again(claim, error)


def _block(claim: Claim) -> None:
    """Wait for other secrets; while a request's outcome is unknown it stays just that."""
    with transaction.atomic():
        is_refused = accounts.mark_refused(claim.operation.organization)
        unknown = claim.operation.attempts.filter(outcome__in=UNRESOLVED).exists()
        waiting = OperationState.BLOCKED if is_refused else OperationState.QUEUED
        claim.release(
            OperationState.UNKNOWN if unknown else waiting,
            problem="organization" if is_refused else "",
            claims=0,
        )


def _done(claim: Claim, attempt: Attempt) -> None:
    operation = claim.operation
    with transaction.atomic():
        close_attempt(attempt, AttemptOutcome.SUCCEEDED)
        claim.release(OperationState.SUCCEEDED, finished_at=Now(), problem="", message="")
        Finding.objects.filter(operations=operation).update(verdict=Verdict.DELETED)
        Instance.objects.filter(operations=operation).update(
            status=InstanceStatus.DELETED, token="", settled_at=Now()
        )
        leaving.wipe(operation)
        audit.record(None, "instance.deleted", operation.subject, remote_id=operation.remote_id)


def _refuse(claim: Claim, problem: str, message: str) -> None:
    """End without a deletion, and show again what stood there before."""
    operation = claim.operation
    with transaction.atomic():
        claim.release(
            OperationState.REJECTED, finished_at=Now(), problem=problem, message=message[:600]
        )
        Finding.objects.filter(operations=operation).update(verdict=Verdict.OPEN)
        Instance.objects.filter(operations=operation).update(status=InstanceStatus.ACTIVE)
        audit.record(None, "instance.not_deleted", operation.subject, problem=problem)
