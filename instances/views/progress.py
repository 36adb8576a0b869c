"""How far a wish has come, as four steps that people understand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from instances.models import Attempt, AttemptOutcome, Instance, Operation, OperationState

NAMES = ("Saved", "Sent", "Answered", "Ready")
AHEAD, DONE, CURRENT, STOPPED, UNKNOWN = "", "done", "current", "stopped", "unknown"
# The step a state stands at, and how it stands there.
PLACES = {
    OperationState.QUEUED: (1, AHEAD),
    OperationState.CLAIMED: (1, CURRENT),
    OperationState.BLOCKED: (1, STOPPED),
    OperationState.CANCELED: (1, STOPPED),
    OperationState.SENDING: (2, CURRENT),
    OperationState.UNKNOWN: (2, UNKNOWN),
    OperationState.REJECTED: (2, STOPPED),
    OperationState.NEEDS_PERSON: (2, STOPPED),
    OperationState.CREATED: (3, CURRENT),
    OperationState.SUCCEEDED: (4, DONE),
}
# Somebody who has just asked is watching; whoever waits for long can wait a little longer.
FRESH = timedelta(seconds=10)
# A countdown is worth a look now and then, until it is nearly over.
SOON = timedelta(minutes=10)
UNSENT = (AttemptOutcome.NOT_SENT, AttemptOutcome.THROTTLED)


@dataclass(frozen=True)
class Step:
    """One step; `look` is empty while it lies ahead."""

    name: str
    look: str
    at: datetime | None


def last_sent(attempts: list[Attempt]) -> Attempt | None:
    """Return the newest attempt that left this machine."""
    sent = [attempt for attempt in attempts if attempt.outcome not in UNSENT]
    return sent[-1] if sent else None


def steps(operation: Operation, attempts: list[Attempt]) -> list[Step]:
    """Return the four steps, with the moment of each that is past."""
    sent = last_sent(attempts)
    here, look = PLACES[OperationState(operation.state)]
    if sent is None and here == 2 and look == STOPPED:
        here = 1
    moments = [
        operation.created_at,
        sent.started_at if sent else None,
        sent.ended_at if sent else None,
        operation.finished_at,
    ]
    looks = [DONE if place < here else look if place == here else AHEAD for place in range(4)]
    return [
        Step(name, look, at if look == DONE else None)
        for name, look, at in zip(NAMES, looks, moments, strict=True)
    ]


def pace(instance: Instance, operation: Operation | None) -> str:
    """Return how often a page asks how far the wish has come, as htmx writes it; "" for never."""
    if operation is not None and operation.is_counting_down and operation.delete_at:
        return "10s" if operation.delete_at - timezone.now() < SOON else "60s"
    if not instance.is_busy:
        is_open = operation is not None and operation.is_waiting_for_consent
        return "10s" if is_open else ""
    is_fresh = operation is not None and timezone.now() - operation.created_at < FRESH
    return "250ms" if is_fresh else "1s"


def attempts_of(rows: Sequence[Operation]) -> dict[UUID, list[Attempt]]:
    """Return what was sent, oldest first; Django's prefetch takes several times as long as the query."""
    found: dict[UUID, list[Attempt]] = {row.pk: [] for row in rows}
    operations = {row.pk: row for row in rows}
    for attempt in Attempt.objects.filter(operation__in=list(found)).order_by("number"):
        attempt.operation = operations[attempt.operation_id]
        found[attempt.operation_id].append(attempt)
    return found
