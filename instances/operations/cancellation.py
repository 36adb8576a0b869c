"""Take a request back: at once while nothing has left, else when its outcome is known."""

from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from instances import access, audit, tasks
from instances.access import Action
from instances.models import (
    CHANGES,
    FINAL,
    Attempt,
    AttemptOutcome,
    CancelWish,
    Consent,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationState,
    erase_credentials,
)

# What a person may take back: a deletion has its own way.
RETRACTABLE = (OperationKind.CREATE, *CHANGES)
WAITING = (OperationState.QUEUED, OperationState.BLOCKED)
NOT_DONE = (
    AttemptOutcome.NOT_SENT,
    AttemptOutcome.REJECTED,
    AttemptOutcome.PROVEN_ABSENT,
    AttemptOutcome.DECLARED_ABSENT,
)
TAKEN_BACK = {
    InstanceStatus.CANCELED: "It was taken back. Nothing that had left created anything.",
    InstanceStatus.ACTIVE: "It was taken back. Nothing was changed.",
}


class TooLateToCancelError(Exception):
    """There is nothing to take back any more, or somebody has taken it back already."""


def may_be_canceled(operation: Operation) -> bool:
    """Tell whether there is something to take back that nobody has taken back yet."""
    return (
        operation.kind in RETRACTABLE
        and not operation.is_final
        and operation.state not in (OperationState.NEEDS_PERSON, OperationState.CREATED)
        and operation.cancel_requested_at is None
    )


def request_cancel(*, actor: User, instance: Instance, wish: CancelWish) -> bool:
    """
    Take back the request for `instance`; True if that is done, False if its outcome comes first.

    A request that may have left is never called canceled before that is known; `wish` says what
    shall happen if it turns out to have created the instance. What is changed already stays so.

    :raises NotAllowedError: the actor may not manage the instance.
    :raises TooLateToCancelError: it has ended, or waits for a person.
    """
    access.require(actor, Action.MANAGE, instance)
    with transaction.atomic():
        open_ones = Operation.objects.filter(
            instance=instance, kind__in=RETRACTABLE, cancel_requested_at=None
        ).exclude(state__in=FINAL)
        is_change = open_ones.filter(kind__in=CHANGES).exists()
        wish = CancelWish.KEEP if is_change else wish
        status = InstanceStatus.ACTIVE if is_change else InstanceStatus.CANCELED
        is_canceled = _cancel_unsent(open_ones, instance, wish, status)
        is_asked = not is_canceled and _ask(open_ones, wish)
        if not (is_canceled or is_asked):
            raise TooLateToCancelError
        deed = "canceled" if is_canceled else "cancel_requested"
        about = "change" if is_change else "instance"
        audit.record(actor, f"{about}.{deed}", instance, wish=wish.value)
    return is_canceled


def _cancel_unsent(
    open_ones: QuerySet[Operation], instance: Instance, wish: CancelWish, status: InstanceStatus
) -> bool:
    """End it at once if no worker holds it and nothing that left may have done anything."""
    wished = {"cancel_requested_at": Now(), "cancel_wish": wish}
    ended = end_canceled(unsent(open_ones), "canceled", TAKEN_BACK[status], **wished)
    if ended:
        erase_credentials(instance.operations.all())
        Consent.objects.filter(operation__instance=instance).erase()
        Instance.objects.filter(pk=instance.pk).update(status=status)
    return ended


def unsent(rows: QuerySet[Operation]) -> QuerySet[Operation]:
    """Return those that no worker holds, and of which nothing that left may have done anything."""
    is_free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    left = Attempt.objects.filter(operation=OuterRef("pk")).exclude(outcome__in=NOT_DONE)
    return rows.filter(is_free, ~Exists(left), state__in=WAITING)


def end_canceled(rows: QuerySet[Operation], problem: str, message: str, **changes: object) -> bool:
    """End these as canceled, in the caller's transaction; tell whether there were any."""
    # The epoch rises, so that a worker that had lost its lease can record nothing any more.
    ended = rows.update(
        state=OperationState.CANCELED,
        lease_epoch=F("lease_epoch") + 1,
        lease_owner="",
        lease_until=None,
        finished_at=Now(),
        problem=problem,
        message=message,
        **changes,
    )
    return bool(ended)


def _ask(open_ones: QuerySet[Operation], wish: CancelWish) -> bool:
    """Leave word for the worker; it acts on it before it sends and once it knows the outcome."""
    busy = (*WAITING, OperationState.CLAIMED, OperationState.SENDING, OperationState.UNKNOWN)
    asked = open_ones.filter(state__in=busy)
    first = asked.values_list("pk", flat=True).first()
    # Nobody has to come back from the provider any more.
    asked.filter(consent__returned_at=None, consent__isnull=False).update(next_run_at=Now())
    # What its worker has moved on since it was read is none of them any more.
    if first is None or not asked.update(cancel_requested_at=Now(), cancel_wish=wish):
        return False
    transaction.on_commit(partial(tasks.ring, first))
    return True
