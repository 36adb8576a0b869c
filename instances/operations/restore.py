"""Go on after a backup was restored: distrust what it says of unfinished requests."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Now

from instances import audit, fence
from instances.models import (
    CHANGES,
    FINAL,
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Installation,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationState,
    Organization,
    Rotation,
    Session,
)

# Far beyond any claim that a worker may still hold from before the restore.
EPOCHS_AHEAD = 1000
MESSAGE = (
    "A backup was restored. This is looked up on the platform first, since it may have been carried "
    "out after the backup was made."
)
CHANGE_MESSAGE = (
    "A backup was restored. This change may have been made since, and another one after it: try it "
    "again only if it is still wanted."
)
DELETION_MESSAGE = (
    "A backup was restored. This deletion may have been undone since: let it go on only if it is "
    "still wanted."
)

ROTATION_MESSAGE = (
    "A backup was restored. This rotation may have been decided otherwise since: let it go on only "
    "if it is still wanted."
)


@dataclass(frozen=True)
class Accepted:
    """What was done: when, by the database's clock, and requests to look up by organization id."""

    at: datetime
    to_look_up: Counter[object]
    sessions_ended: int


def accept_restore() -> Accepted:
    """
    Let work begin again on a restored database, in one transaction.

    Every creation that the backup holds as unfinished may have been sent since: it counts as
    unknown, so that a worker looks before it may send. Leases are void, sessions end, and every
    account is searched for what was made since.

    :raises FenceError: the copy of the mark cannot be read or written.
    """
    with fence.opened_again():
        Attempt.objects.filter(outcome=AttemptOutcome.IN_FLIGHT).update(
            outcome=AttemptOutcome.UNKNOWN, error_class="restored"
        )
        # From now on counts how long the platform may still act.
        Attempt.objects.filter(outcome=AttemptOutcome.UNKNOWN).update(ended_at=Now())
        to_look_up = _doubt_unfinished()
        _ask_about_changes()
        Rotation.objects.open().update(problem="restored", message=ROTATION_MESSAGE)
        _void_leases()
        sessions_ended, _ = Session.objects.all().delete()
        Organization.objects.update(audit_due_at=Now(), doubted_at=Now())
        installation = Installation.objects.annotate(now=Now()).get()
        audit.record(
            None,
            "installation.restored",
            installation,
            by=audit.COMMAND_LINE,
            to_look_up=sum(to_look_up.values()),
            sessions_ended=sessions_ended,
        )
    return Accepted(installation.now, to_look_up, sessions_ended)


def _unfinished() -> QuerySet[Operation]:
    """Those that may have sent something, or sent it again, after the backup was made."""
    created = Attempt.objects.filter(operation=OuterRef("pk"), outcome=AttemptOutcome.SUCCEEDED)
    rows = Operation.objects.filter(~Exists(created), kind=OperationKind.CREATE)
    return rows.exclude(state__in=FINAL)


def _doubt_unfinished() -> Counter[object]:
    unresolved = Attempt.objects.filter(operation=OuterRef("pk"), outcome__in=UNRESOLVED)
    unsent = _unfinished().filter(~Exists(unresolved)).select_related("organization")
    Attempt.objects.bulk_create(
        (_doubt(operation) for operation in unsent.annotate(last=Max("attempts__number"))),
        batch_size=500,
    )
    Instance.objects.filter(pk__in=_unfinished().values("instance")).update(
        status=InstanceStatus.UNKNOWN
    )
    _unfinished().update(
        state=OperationState.UNKNOWN,
        looks=0,
        clean_misses=0,
        problem="restored",
        message=MESSAGE,
    )
    return Counter(_unfinished().values_list("organization", flat=True))


def _ask_about_changes() -> None:
    """Leave unfinished changes to a person: carried out again, an old one may undo a newer one."""
    changes = Operation.objects.filter(kind__in=CHANGES).exclude(state__in=FINAL)
    Instance.objects.filter(pk__in=changes.values("instance")).update(
        status=InstanceStatus.NEEDS_PERSON
    )
    changes.update(state=OperationState.NEEDS_PERSON, problem="restored", message=CHANGE_MESSAGE)
    # A deletion that could be undone may have been, after the backup was made.
    planned = Operation.objects.filter(kind=OperationKind.DELETE, payload__has_key="until")
    planned = planned.exclude(state__in=FINAL)
    Instance.objects.filter(pk__in=planned.values("instance")).update(
        status=InstanceStatus.DELETING
    )
    planned.update(state=OperationState.NEEDS_PERSON, problem="restored", message=DELETION_MESSAGE)


def _doubt(operation: Operation) -> Attempt:
    """Return the request that may have left after the backup was made."""
    return Attempt(
        operation=operation,
        number=(getattr(operation, "last", None) or 0) + 1,
        epoch=operation.lease_epoch,
        origin=operation.organization.origin,
        secrets_version=operation.organization.secrets_version,
        started_at=operation.created_at,
        deadline_at=Now(),
        ended_at=Now(),
        outcome=AttemptOutcome.UNKNOWN,
        error_class="restored",
        message="It may have been sent after the backup was made.",
    )


def _void_leases() -> None:
    Operation.objects.exclude(state__in=FINAL).update(
        lease_epoch=F("lease_epoch") + EPOCHS_AHEAD,
        lease_owner="",
        lease_until=None,
        next_run_at=Now(),
        claims=0,
    )
