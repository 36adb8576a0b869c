"""Note that a backup is complete, so that the status page can tell when the last one was."""

from typing import Any

from django.core.management.base import BaseCommand

from instances import operations


class Command(BaseCommand):
    """The last line of whatever makes the backups."""

    help = "Note that a backup is complete; the status page tells when that was."

    def handle(self, **options: Any) -> None:
        operations.note_backup()
        self.stdout.write("Noted.")
