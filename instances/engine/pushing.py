"""What the platform's list is asked to become: the second step, and how the line stands afterwards."""

from django.db.models import QuerySet

from instances import audit
from instances.models import (
    AS_HERE,
    Instance,
    InstanceStatus,
    ListedInstance,
    Operation,
    OperationKind,
    Standing,
)

SWITCHES = (OperationKind.DISABLE.value, OperationKind.ENABLE.value)
REASON = "The platform shall be as Elementdesk has it."


def go_on(operation: Operation) -> None:
    """
    Ask for the switch that follows an edit, or tell that the platform is as it is here.

    In the caller's transaction, which ended the operation well.
    """
    lines = _lines(operation)
    if (then := operation.payload.get("then")) not in SWITCHES:
        lines.update(**AS_HERE)
        return
    instance = operation.made
    Instance.objects.filter(pk=instance.pk).update(status=InstanceStatus.CHANGING)
    asked = {"reason": REASON, "ours": {"is_disabled": then == OperationKind.DISABLE}}
    following = Operation.objects.ask_change(
        OperationKind(then), operation.requester, instance, asked
    )
    lines.update(pushed_by=following)
    audit.record(operation.requester, f"{then}.requested", instance, reason=REASON)


def give_up(operation: Operation) -> None:
    """Show the line as different again, from what it was here: the operation ended without the change."""
    if not _lines(operation).update(standing=Standing.CHANGED, pushed_by=None):
        return
    ours, instance = dict(operation.payload.get("ours", {})), operation.made
    if (tags := ours.pop("tags", None)) is not None:
        instance.replace_tags(tags)
    ours["configuration"] = {**instance.configuration, **ours.pop("entries", {})}
    Instance.objects.filter(pk=instance.pk).update(**ours)


def _lines(operation: Operation) -> QuerySet[ListedInstance]:
    return ListedInstance.objects.filter(pushed_by=operation)
