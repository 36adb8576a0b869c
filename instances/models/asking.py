"""Record the wish for what an instance that exists goes through: one at a time, whoever asks."""

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from instances.models.instance import Instance, InstanceStatus
from instances.models.operation import Operation
from instances.models.states import FINAL, OperationKind


def _ready(instance: Instance) -> QuerySet[Instance]:
    """Select the instance if nothing is under way with it; one counted down is active, too."""
    open_ones = Operation.objects.filter(instance=OuterRef("pk")).exclude(state__in=FINAL)
    return Instance.objects.filter(~Exists(open_ones), pk=instance.pk, status=InstanceStatus.ACTIVE)


def ask_change_now(
    kind: OperationKind,
    requester: User,
    instance: Instance,
    asked: Mapping[str, object],
    keys: Iterable[str] = (),
) -> Operation | None:
    """
    Record the wish for a change in the caller's transaction; None if something else is under way.

    `asked` is what the worker needs besides the kind, nothing secret; `keys` name what is sent.
    """
    if not _ready(instance).update(status=InstanceStatus.CHANGING):
        return None
    return Operation.objects.ask_change(kind, requester, instance, asked, keys)


def ask_removal(requester: User, instance: Instance, reason: str) -> Operation | None:
    """
    Record the wish that an instance is disabled now and deleted when its countdown is over.

    Returns what is done first, the disabling, or the deletion of what is disabled already and stays
    so if it is undone; None if something else is under way.
    """
    if not instance.is_disabled:
        asked = {"reason": reason, "then": OperationKind.DELETE.value}
        return ask_change_now(OperationKind.DISABLE, requester, instance, asked)
    # A row that changes here is locked, so that no two people ask at once.
    if not _ready(instance).update(status=InstanceStatus.ACTIVE):
        return None
    return Operation.objects.ask_deletion(
        requester=requester,
        organization=instance.organization,
        remote_id=instance.remote_id or 0,
        instance=instance,
        days=settings.ENGINE["DELETION_DAYS"],
        reason=reason,
        enables_on_undo=False,
    )
