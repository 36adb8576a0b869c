"""How a change of an instance ends, or waits: each in one transaction with the record of it."""

from contextlib import suppress

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances import audit
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    RemoteInstance,
    UnauthorizedError,
)
from instances.crash_points import reach
from instances.engine import accounts, adoption, storing
from instances.engine.claims import Claim, close_attempt
from instances.models import (
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    OperationKind,
    OperationSecret,
    OperationState,
)

GONE = "The platform says that the instance does not exist any more, so nothing was changed."
NO_RIGHT = (
    "The organization's secrets are accepted, so the refusal is about this request: a right is "
    "missing. The platform says: {}"
)
DONE = {
    OperationKind.DISABLE: "instance.disabled",
    OperationKind.ENABLE: "instance.enabled",
}


def settle_no(claim: Claim, client: CloudElementsClient, refusal: UnauthorizedError) -> None:
    """Find out whose secrets or rights do not suffice: the control call tells."""
    with suppress(CloudElementsError):
        try:
            claim.renew()
            client.identify()
        except UnauthorizedError:
            _block(claim)
            return
        if state_of_doubt(claim) is None:
            said = refusal.platform_message or str(refusal)
            end(claim, OperationState.REJECTED, "provider", NO_RIGHT.format(said))
            return
    try_later(claim, refusal)


def _block(claim: Claim) -> None:
    """Wait for other secrets; while a request's outcome is unknown it stays just that."""
    with transaction.atomic():
        is_refused = accounts.mark_refused(claim.operation.organization)
        waiting = OperationState.BLOCKED if is_refused else OperationState.QUEUED
        claim.release(
            state_of_doubt(claim) or waiting,
            problem="organization" if is_refused else "",
            message="",
            claims=0,
        )


def try_later(claim: Claim, error: CloudElementsError) -> None:
    """Look, or send, again after a pause that grows, for a day."""
    operation = claim.operation
    since = operation.decided_at or operation.created_at
    if adoption.age_in_seconds(since) > adoption.GIVE_UP_SECONDS:
        claim.ask_person("unreachable", f"A day of trying did not settle it. {error}")
        return
    pauses = settings.ENGINE["LOOK_PAUSES"]
    claim.release(
        state_of_doubt(claim) or OperationState.QUEUED,
        after=max(pauses[min(operation.looks, len(pauses) - 1)], error.retry_after),
        looks=operation.looks + 1,
        problem=error.error_class,
        message=str(error),
        claims=0,
    )


def state_of_doubt(claim: Claim) -> OperationState | None:
    """Return the state in which a request that left waits to be looked at; None if none did."""
    if claim.operation.attempts.filter(outcome__in=UNRESOLVED).exists():
        return OperationState.UNKNOWN
    is_made = claim.operation.attempts.filter(outcome=AttemptOutcome.SUCCEEDED).exists()
    return OperationState.CREATED if is_made else None


def gone(claim: Claim, attempt: Attempt | None) -> None:
    if attempt is not None:
        close_attempt(attempt, AttemptOutcome.PROVEN_ABSENT, message="It does not exist any more.")
    end(claim, OperationState.REJECTED, "gone", GONE)


def finish(claim: Claim, remote: RemoteInstance, *, problem: str = "", message: str = "") -> None:
    """Store the instance as it is now, and end the operation, in one transaction."""
    operation = claim.operation
    with transaction.atomic():
        _release(claim, OperationState.SUCCEEDED, problem, message)
        is_new = storing.refresh(operation.made, remote)
        if is_new:
            audit.record(None, "instance.token_changed", operation.made)
        done = DONE[OperationKind(operation.kind)]
        audit.record(None, done, operation.made, asked_by=operation.requester.get_username())
    reach("change stored")


def end(
    claim: Claim,
    state: OperationState,
    problem: str,
    message: str,
    remote: RemoteInstance | None = None,
) -> None:
    """End without the change; the instance is shown as it was, or as it was just read."""
    operation = claim.operation
    action = "change.canceled" if state == OperationState.CANCELED else "change.refused"
    if state == OperationState.CANCELED:
        # Come back to before the request, from wherever an earlier one was settled.
        claim.move(OperationState.CLAIMED)
    with transaction.atomic():
        _release(claim, state, problem, message)
        if remote is not None:
            storing.refresh(operation.made, remote)
        audit.record(None, action, operation.made, problem=problem, kind=operation.kind)


def _release(claim: Claim, state: OperationState, problem: str, message: str) -> None:
    claim.release(state, finished_at=Now(), problem=problem, message=message[:600], claims=0)
    OperationSecret.objects.filter(operation=claim.operation).delete()
