"""What was created although it had been taken back meanwhile, is deleted if that was wished."""

from django.contrib.auth.models import User
from django.db import transaction

from instances import audit
from instances.models import AuditEntry, Instance, Operation


def ask_deletions() -> None:
    """Ask for the deletion of what was created although its requester had taken it back."""
    for operation in Operation.objects.taken_back_too_late().select_related("instance"):
        with transaction.atomic():
            instance = Instance.objects.select_for_update().get(pk=operation.made.pk)
            late = Operation.objects.taken_back_too_late().filter(pk=operation.pk)
            if late.exists() and instance.remote_id is not None:
                Operation.objects.ask_deletion(
                    requester=_who_took_back(operation),
                    organization=operation.organization,
                    remote_id=instance.remote_id,
                    instance=instance,
                )
                audit.record(None, "instance.deletion_requested", instance)


def _who_took_back(operation: Operation) -> User:
    """Return whose wish it is, which the record tells: not always who asked for the instance."""
    entries = AuditEntry.objects.filter(object_id=str(operation.made.pk), actor__isnull=False)
    entry = entries.filter(action="instance.cancel_requested").order_by("-id").first()
    return entry.actor if entry and entry.actor else operation.requester
