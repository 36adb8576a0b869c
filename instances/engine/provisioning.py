"""Create the instance that a claimed operation asks for, exactly once in effect."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from instances import vault
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    CreateInstance,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnauthorizedError,
)
from instances.crash_points import reach
from instances.engine import (
    accounts,
    adoption,
    calls,
    consenting,
    credentials,
    reconciliation,
    storing,
)
from instances.engine.claims import Claim, close_attempt
from instances.engine.credentials import Configuration
from instances.models import Attempt, AttemptOutcome, OperationState

logger = structlog.get_logger(__name__)

RETRY_SECONDS = 24 * 3600

NOTHING_DONE = (
    AttemptOutcome.NOT_SENT,
    AttemptOutcome.PROVEN_ABSENT,
    AttemptOutcome.DECLARED_ABSENT,
)


def run(claim: Claim) -> None:
    """
    Take the operation as far as it goes now, from what its rows say.

    Safe to run again after a crash at any point: the newest attempt tells what comes next.
    """
    try:
        if claim.is_first:
            _start(claim, claim.client)
        else:
            _continue(claim, claim.client)
    except vault.UnreadableError:
        claim.ask_person(
            "unreadable",
            "A stored secret does not open. Enter the secrets of the organization again.",
        )


def _continue(claim: Claim, client: CloudElementsClient) -> None:
    attempt = claim.last_attempt()
    if claim.operation.remote_id is not None:
        adoption.adopt_chosen(claim, client=client, secrets=credentials.secrets(claim))
    elif seen := claim.evidence():
        adoption.adopt(claim, seen, client=client, secrets=credentials.secrets(claim))
    elif attempt is None or attempt.outcome in NOTHING_DONE:
        _start(claim, client)
    elif attempt.outcome == AttemptOutcome.REJECTED:
        _settle_refusal(claim, attempt, client)
    elif reconciliation.settle(claim, attempt, client=client, secrets=credentials.secrets(claim)):
        _start(claim, client)


def _start(claim: Claim, client: CloudElementsClient) -> None:
    operation = claim.operation
    if operation.cancel_requested_at is not None:
        _cancel(claim)
        return
    if not claim.may_create:
        _reclaim(claim)
        message = f"{operation.requester} may no longer create instances here."
        claim.finish(
            OperationState.CANCELED, problem="permission", message=f"{message} {_what_left(claim)}"
        )
        return
    configuration = credentials.opened(claim)
    if configuration is None:
        claim.ask_person("expired", "The credentials were erased after their time. Start again.")
        return
    _reclaim(claim)
    try:
        reach("started")
        accounts.learn_account(operation.organization, client)
        brought = consenting.given(claim, client, configuration)
    except consenting.NoWayError as error:
        _reject(claim, "consent", str(error))
    except consenting.AbandonedError as error:
        claim.finish(OperationState.CANCELED, problem="abandoned", message=str(error))
    except CloudElementsError as error:
        _not_reached(claim, error)
    else:
        if brought is not None:
            _create(claim, client, configuration, brought)


def _reclaim(claim: Claim) -> None:
    """Come back to before the request, from wherever an earlier one was settled."""
    if claim.operation.state != OperationState.CLAIMED:
        claim.move(OperationState.CLAIMED)


def _cancel(claim: Claim) -> None:
    claim.move(OperationState.CLAIMED)
    message = f"It was taken back. {_what_left(claim)}"
    claim.finish(OperationState.CANCELED, problem="canceled", message=message)


def _what_left(claim: Claim) -> str:
    has_asked = claim.operation.attempts.exclude(outcome=AttemptOutcome.NOT_SENT).exists()
    return "Nothing that had left created anything." if has_asked else "Nothing was sent."


def _not_reached(claim: Claim, error: CloudElementsError) -> None:
    if isinstance(error, UnauthorizedError) and error.status == 401:
        _block(claim)
        return
    _note_unsent(claim, error)
    _try_later(claim, error)


def _note_unsent(claim: Claim, error: CloudElementsError) -> None:
    claim.note_unsent(error_class=error.error_class, message=str(error), address=error.address)


def _try_later(claim: Claim, error: CloudElementsError) -> None:
    age = adoption.age_in_seconds(claim.operation.decided_at or claim.operation.created_at)
    if age > RETRY_SECONDS:
        claim.ask_person("unreachable", f"Nothing could be sent for a day. {error}")
    else:
        claim.retry_later(error.error_class, str(error))


def _create(
    claim: Claim,
    client: CloudElementsClient,
    configuration: Configuration,
    brought: consenting.Given,
) -> None:
    request = _request(claim.operation.payload, configuration, brought)
    opened: list[Attempt] = []

    def about_to_leave(address: str) -> None:
        opened.append(claim.open_attempt(address))
        consenting.spend(claim, brought)

    try:
        remote = client.create_instance(
            request,
            secrets=credentials.secrets_in(claim, configuration),
            before_send=about_to_leave,
        )
    except calls.HeldBackError:
        # Due at once: a cancel then ends it, and anything else is seen before it is claimed.
        claim.release(OperationState.QUEUED, problem="", message="", claims=0)
    except NotSentError as error:
        consenting.put_back(claim, brought)
        if opened:
            _close(opened[0], AttemptOutcome.NOT_SENT, error)
        else:
            _note_unsent(claim, error)
        _try_later(claim, error)
    except ThrottledError as error:
        consenting.put_back(claim, brought)
        _close(opened[0], AttemptOutcome.THROTTLED, error)
        _wait(claim, error)
    except (RejectedError, UnauthorizedError) as error:
        _close(opened[0], AttemptOutcome.REJECTED, error)
        opened[0].refresh_from_db()
        _settle_refusal(claim, opened[0], client)
    except OutcomeUnknownError as error:
        _close(opened[0], AttemptOutcome.UNKNOWN, error)
        reconciliation.begin(claim, error)
    else:
        reach("answered")
        storing.record_answer(claim, opened[0], remote)
        reach("evidence saved")
        storing.finish(claim, remote)
        reach("finished")


def _request(
    payload: Mapping[str, Any], configuration: Configuration, brought: consenting.Given
) -> CreateInstance:
    return CreateInstance(
        element_key=payload["element_key"],
        name=payload["name"],
        tags=tuple(payload["tags"]),
        configuration=configuration,
        provider_data=brought,
        external_authentication=payload.get("external_authentication", ""),
    )


def _wait(claim: Claim, error: ThrottledError) -> None:
    """Try again when the platform asked us to, and later each time, for a day."""
    operation = claim.operation
    times = operation.attempts.filter(outcome=AttemptOutcome.THROTTLED)
    first = operation.decided_at or times.earliest("number").started_at
    if adoption.age_in_seconds(first) > RETRY_SECONDS:
        claim.ask_person("throttled", f"For a day it was not let through. {error}")
        return
    pauses = settings.ENGINE["LOOK_PAUSES"]
    claim.release(
        OperationState.QUEUED,
        after=max(error.retry_after, pauses[min(times.count(), len(pauses)) - 1]),
        problem="throttled",
        message=str(error),
        claims=0,
    )


def _close(attempt: Attempt, outcome: AttemptOutcome, error: CloudElementsError) -> None:
    close_attempt(
        attempt,
        outcome,
        http_status=error.status,
        error_class=error.error_class,
        message=(error.platform_message or str(error))[:300],
        request_id=error.request_id,
    )


def _settle_refusal(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> None:
    """Find out whose credentials were refused: ours, or the provider's that a person typed."""
    if attempt.http_status not in (401, 403):
        _reject(claim, "rejected", f"The platform refused the request: {attempt.message}")
    elif attempt.secrets_version != claim.operation.organization.secrets_version:
        _start(claim, client)
    else:
        _ask_whose(claim, attempt, client)


def _ask_whose(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> None:
    try:
        claim.renew()
    except calls.HeldBackError:
        _wait_to_ask(claim)
        return
    try:
        client.identify()
    except UnauthorizedError:
        _block(claim)
    except CloudElementsError as error:
        _try_later(claim, error)
    else:
        _reject(
            claim,
            "provider",
            "The organization's secrets are accepted, so the refusal is about this request: the "
            f"provider's credentials, or a missing privilege. The platform says: {attempt.message}",
        )


def _wait_to_ask(claim: Claim) -> None:
    """Somebody else learned that our secrets are refused, or calls are held back: ask then."""
    claim.operation.organization.refresh_from_db()
    if claim.operation.organization.is_refused:
        _block(claim)
    else:
        claim.release(OperationState.QUEUED, problem="", message="", claims=0)


def _reject(claim: Claim, problem: str, message: str) -> None:
    claim.finish(OperationState.REJECTED, problem=problem, message=message)


def _block(claim: Claim) -> None:
    organization = claim.operation.organization
    with transaction.atomic():
        # Nothing is unknown any more, if it ever was: the request was refused.
        _reclaim(claim)
        if not accounts.mark_refused(organization):
            claim.release(OperationState.QUEUED, problem="", message="", claims=0)
            return
        claim.release(
            OperationState.BLOCKED,
            problem="organization",
            message=f"The platform refused the secrets of {organization}. "
            "Nothing more is sent until an admin of the organization replaces them.",
            claims=0,
        )
