"""How a change of an instance ends, or waits: each in one transaction with the record of it."""

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances import audit
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    NotSentError,
    OutcomeUnknownError,
    RemoteInstance,
    ThrottledError,
    UnauthorizedError,
)
from instances.crash_points import reach
from instances.engine import accounts, adoption, diagnosis, leaving, pushing, searching, storing
from instances.engine.claims import Claim, close_attempt
from instances.models import (
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Consent,
    OperationKind,
    OperationState,
    erase_credentials,
)

GONE = "The platform says that the instance does not exist any more, so nothing was changed."
NO_RIGHT = (
    "The organization's secrets are accepted, so the refusal is about this request: a right is "
    "missing. The platform says: {}"
)
COPIES_ARE_OLD = (
    "The platform gave it another token: whoever copied the one of before needs this one."
)
REFUSED = "The platform refused the change: {}"
WRONG_CREDENTIALS = (
    "The provider did not accept the new credentials; those of before stay in use. Whoever keeps "
    "the account at the provider can tell what is right: user or client, its secret, and whether "
    "it is the sandbox's or production's. The platform says: {}"
)
DONE = {
    OperationKind.EDIT: "instance.edited",
    OperationKind.REAUTHENTICATE: "instance.reauthenticated",
    OperationKind.DISABLE: "instance.disabled",
    OperationKind.ENABLE: "instance.enabled",
}


def are_ours_accepted(
    claim: Claim, client: CloudElementsClient, refusal: UnauthorizedError
) -> bool:
    """
    Ask whose secrets or rights do not suffice; True if the refusal is about this request alone.

    Otherwise the operation waits: for other secrets, or until the question is answered.
    """
    try:
        claim.renew()
        client.identify()
    except UnauthorizedError:
        _block(claim)
        return False
    except CloudElementsError:
        try_later(claim, refusal)
        return False
    return True


def refuse(claim: Claim, refusal: CloudElementsError, remote: RemoteInstance | None = None) -> None:
    """End with what the platform said, unless an earlier request's outcome is still open."""
    if state_of_doubt(claim) is not None:
        try_later(claim, refusal)
        return
    said = refusal.platform_message or str(refusal)
    if not isinstance(refusal, UnauthorizedError):
        problem, text = "rejected", REFUSED
    elif refusal.status == 401 and claim.operation.kind == OperationKind.REAUTHENTICATE:
        problem, text = "provider", WRONG_CREDENTIALS
    else:
        problem, text = "right", NO_RIGHT
    end(claim, OperationState.REJECTED, problem, text.format(said), remote)


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
    with transaction.atomic():
        end(claim, OperationState.REJECTED, "gone", GONE)
        if leaving.is_first_step(claim.operation):
            # Proven there: a deletion of what is gone is looked at between two controls.
            leaving.plan(claim.operation, is_gone=True)


def finish(claim: Claim, remote: RemoteInstance, *, problem: str = "", message: str = "") -> None:
    """Store the instance as it is now, and end the operation, in one transaction."""
    operation = claim.operation
    with transaction.atomic():
        is_new = storing.refresh(operation.made, remote)
        told = f"{message} {COPIES_ARE_OLD}".strip() if is_new else message
        _release(claim, OperationState.SUCCEEDED, problem or ("token" if is_new else ""), told)
        if is_new:
            audit.record(None, "instance.token_changed", operation.made)
        done = DONE[OperationKind(operation.kind)]
        audit.record(None, done, operation.made, asked_by=operation.requester.get_username())
        if leaving.is_first_step(operation):
            leaving.plan(operation)
        pushing.go_on(operation)
        if operation.kind == OperationKind.REAUTHENTICATE:
            # The platform may have made a second instance instead of keeping to this one.
            searching.doubt(operation.organization, is_due=True)
        diagnosis.look_soon(operation.made)
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
        pushing.give_up(operation)
        audit.record(None, action, operation.made, problem=problem, kind=operation.kind)


def _release(claim: Claim, state: OperationState, problem: str, message: str) -> None:
    claim.release(state, finished_at=Now(), problem=problem, message=message[:600], claims=0)
    erase_credentials([claim.operation.pk])
    if claim.operation.payload.get("consent"):
        Consent.objects.filter(operation=claim.operation).erase()


def note_failure(claim: Claim, attempt: Attempt | None, error: CloudElementsError) -> None:
    """Write how a request that was not answered with a yes has ended."""
    if attempt is None:
        claim.note_unsent(error_class=error.error_class, message=str(error), address=error.address)
        return
    close_attempt(
        attempt,
        _outcome(error),
        http_status=error.status,
        error_class=error.error_class,
        message=(error.platform_message or str(error))[:300],
        request_id=error.request_id,
    )


def _outcome(error: CloudElementsError) -> AttemptOutcome:
    if isinstance(error, NotSentError):
        return AttemptOutcome.NOT_SENT
    if isinstance(error, ThrottledError):
        return AttemptOutcome.THROTTLED
    is_no = not isinstance(error, OutcomeUnknownError) or error.status == 409
    return AttemptOutcome.REJECTED if is_no else AttemptOutcome.UNKNOWN
