"""What follows once an instance is disabled to be deleted, and once it is: nothing secret is left."""

from django.conf import settings

from instances import audit, vault
from instances.models import CredentialPrint, Evidence, Operation, OperationSecret

DELETE = "delete"


def is_first_step(operation: Operation) -> bool:
    """Tell whether a change is made for a deletion, and nobody took it back meanwhile."""
    if operation.payload.get("then") != DELETE:
        return False
    kept = Operation.objects.filter(pk=operation.pk, cancel_requested_at__isnull=True)
    return kept.exists()


def plan(operation: Operation, *, is_gone: bool = False) -> None:
    """Ask for the deletion that `operation` was made for, in the caller's transaction, which ended it."""
    instance = operation.made
    days = 0.0 if is_gone else settings.ENGINE["DELETION_DAYS"]
    deletion = Operation.objects.ask_deletion(
        requester=operation.requester,
        organization=operation.organization,
        remote_id=operation.remote_id or 0,
        instance=instance,
        days=days,
        reason=operation.payload.get("reason", ""),
        enables_on_undo=not is_gone,
    )
    until = str(deletion.payload.get("until", ""))
    audit.record(None, "instance.deletion_planned", instance, until=until)


def wipe(operation: Operation) -> None:
    """Leave no secret of what is gone: what was seen of it keeps its number, and a sealed nothing."""
    if operation.instance is None:
        return
    about = operation.instance.operations.all()
    OperationSecret.objects.filter(operation__in=about).delete()
    CredentialPrint.objects.filter(operation__in=about).delete()
    seen = list(Evidence.objects.filter(attempt__operation__in=about))
    for row, nothing in zip(seen, vault.seal_all(seen, "token", [""] * len(seen)), strict=True):
        row.token = nothing
    Evidence.objects.bulk_update(seen, ["token"])
