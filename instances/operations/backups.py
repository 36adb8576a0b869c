"""What becomes of the backups, as far as whoever makes them tells."""

from django.db import transaction
from django.db.models.functions import Now

from instances import audit
from instances.models import Installation


@transaction.atomic
def note_backup() -> None:
    """Note that a backup is complete; the status page tells when the newest one was."""
    installation = Installation.current()
    Installation.objects.filter(pk=installation.pk).update(backed_up_at=Now())
    audit.record(None, "backup.noted", installation, by=audit.COMMAND_LINE)
