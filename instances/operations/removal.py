"""Ask that an instance is deleted, and take that back while it is counted down."""

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit, tasks
from instances.access import Action
from instances.crash_points import reach
from instances.models import (
    FINAL,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    ask_removal,
)
from instances.operations.cancellation import end_canceled, unsent
from instances.operations.lifecycle import (
    REASON_LENGTH,
    NotChangeableError,
    ask,
    require_changeable,
)


class NameDiffersError(Exception):
    """What was typed is not the name of the instance, nor its id: nothing is deleted by a slip."""


class TooLateError(Exception):
    """The deletion has begun, or nobody asked for one."""


def request_instance_deletion(
    *, requester: User, instance: Instance, typed_name: str, reason: str
) -> Operation:
    """
    Ask that the instance is disabled now, and deleted when the countdown is over.

    Returns what is done first: the disabling, or the deletion of what is disabled already.

    :raises NotAllowedError: the requester may not manage the instance.
    :raises NameDiffersError: neither its name nor its id was typed.
    :raises NotChangeableError: something else is under way with it.
    :raises SwitchedOffError: its organization is switched off.
    """
    require_changeable(requester, instance)
    if typed_name.strip() not in (instance.name.strip(), str(instance.remote_id)):
        raise NameDiffersError
    reason = reason.strip()[:REASON_LENGTH]
    with transaction.atomic():
        audit.record(requester, "instance.deletion_requested", instance, reason=reason)
        operation = ask_removal(requester, instance, reason)
        if operation is None:
            raise NotChangeableError
        if operation.kind == OperationKind.DISABLE:
            audit.record(requester, "disable.requested", instance, reason=reason)
        transaction.on_commit(partial(tasks.ring, operation.pk))
    reach("deletion submitted")
    return operation


def undo_instance_deletion(*, actor: User, instance: Instance) -> None:
    """
    Take a deletion back while it is counted down, and enable what was disabled for it.

    :raises NotAllowedError: the actor may not manage the instance.
    :raises TooLateError: it has begun, or there is none.
    """
    access.require(actor, Action.MANAGE, instance)
    with transaction.atomic():
        deletion = deletion_of(instance)
        if deletion is None or not _end(deletion, actor):
            raise TooLateError
        Instance.objects.filter(pk=instance.pk).update(status=InstanceStatus.ACTIVE)
        audit.record(actor, "instance.deletion_undone", instance)
        if deletion.payload.get("enables_on_undo"):
            ask(OperationKind.ENABLE, actor, instance, {"reason": "Its deletion was undone."})
    reach("deletion undone")


def _end(deletion: Operation, actor: User) -> bool:
    message = f"{actor.get_username()} undid it before its day. Nothing was deleted."
    return end_canceled(unsent(Operation.objects.filter(pk=deletion.pk)), "undone", message)


def deletion_of(instance: Instance) -> Operation | None:
    """Return the deletion of the instance that is not at its end, if there is one that can be undone."""
    open_ones = instance.operations.filter(kind=OperationKind.DELETE).exclude(state__in=FINAL)
    return open_ones.filter(payload__has_key="until").first()


def delete_at(instance: Instance) -> datetime | None:
    """Return when the instance will be deleted; None if nobody asked for that."""
    deletion = deletion_of(instance)
    return deletion.delete_at if deletion else None
