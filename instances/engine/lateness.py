"""What a request without an answer may still do: the change after it must have the last word."""

from datetime import datetime, timedelta

from django.conf import settings

from instances.engine.claims import Claim
from instances.models import Attempt, AttemptOutcome, OperationKind, OperationState, database_now

# Closed by what the instance showed, but nobody knows whether the request was thrown away or waits.
LOST = (AttemptOutcome.UNKNOWN, AttemptOutcome.PROVEN_ABSENT, AttemptOutcome.SUPERSEDED)
# What one of these sets, the others set as well.
VALUES = (OperationKind.EDIT, OperationKind.REAUTHENTICATE)
SWITCHES = (OperationKind.DISABLE, OperationKind.ENABLE)
EARLIER = (
    "An earlier change got no answer, and the platform may still carry it out. This one is sent "
    "after {:%H:%M:%S} UTC, so that it has the last word."
)


def waits(claim: Claim) -> bool:
    """Put the change off while an earlier one may still be carried out; tell whether it was."""
    until, now = _carried_out_until(claim), database_now()
    if until is None or until <= now:
        return False
    message = EARLIER.format(until)
    after = (until - now).total_seconds()
    claim.release(OperationState.QUEUED, after=after, problem="earlier", message=message, claims=0)
    return True


def _carried_out_until(claim: Claim) -> datetime | None:
    """Return until when a lost request for the same values may take effect; None without one."""
    operation = claim.operation
    kinds = VALUES if operation.kind in VALUES else SWITCHES
    others = Attempt.objects.filter(operation__instance=operation.instance_id)
    lost = others.exclude(operation=operation.pk).filter(
        operation__kind__in=kinds, outcome__in=LOST
    )
    ended = lost.order_by("-ended_at").values_list("ended_at", flat=True).first()
    return ended + timedelta(seconds=settings.ENGINE["SETTLE_SECONDS"]) if ended else None
