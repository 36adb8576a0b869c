"""Let work begin again after a backup of the database was restored."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instances import fence, operations
from instances.models import Finding, Organization
from instances.operations import Accepted

PROBLEM, USAGE = 1, 2
EPILOG = (
    "Exit codes: 0 done and every account searched, 1 done, but not every account could be searched "
    "in time, or the fence's file cannot be written, 2 not confirmed. docs/operations/backup.md "
    "tells the order of a restore."
)
QUESTION = """{why}

This ends every session, treats every unfinished creation as perhaps carried out, and lets workers
look for each on the platform before anything is sent. Start the workers first: they also search
every account for what was made since the backup. Type yes to go on: """


class Command(BaseCommand):
    """Confirm, change the rows, wait for the workers' searches, print what they found."""

    help = "Let work begin again after a backup was restored: look first, send afterwards."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, epilog=EPILOG, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--wait",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="how long to wait for the searches of the workers (default: 60)",
        )

    def handle(self, **options: Any) -> None:
        why = fence.trouble() or "Nothing here shows that a backup was restored."
        if not options["yes"] and input(QUESTION.format(why=why)).strip() != "yes":
            raise CommandError("Nothing was changed.", returncode=USAGE)
        try:
            accepted = operations.accept_restore()
        except fence.FenceError as error:
            raise CommandError(str(error), returncode=PROBLEM) from error
        self.stdout.write(f"Ended {accepted.sessions_ended} sessions. Workers may send again.")
        _wait(accepted, options["wait"])
        unsearched = self._tell(accepted)
        if unsearched:
            raise CommandError(
                "The accounts not searched yet are searched when a worker can; what is found then "
                "stands under “Needs attention”.",
                returncode=PROBLEM,
            )

    def _tell(self, accepted: Accepted) -> int:
        """Print one line for each organization; return how many were not searched yet."""
        unsearched = 0
        for organization in Organization.objects.order_by("name"):
            looked_up = accepted.to_look_up[organization.pk]
            line = f"{organization}: {looked_up} unfinished to look up"
            if _is_searched(organization, accepted):
                found = Finding.objects.open().filter(organization=organization).count()
                line += f", {found} found on the platform that nobody here knows"
            else:
                unsearched += 1
                line += f", not searched yet ({_hindrance(organization)})"
            self.stdout.write(line)
        return unsearched


def _wait(accepted: Accepted, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rows = Organization.objects.all()
        if all(_is_searched(one, accepted) or one.is_halted for one in rows):
            return
        time.sleep(0.5)


def _is_searched(organization: Organization, accepted: Accepted) -> bool:
    return organization.audited_at is not None and organization.audited_at > accepted.at


def _hindrance(organization: Organization) -> str:
    if not organization.is_active:
        return "it is switched off"
    if organization.is_refused:
        return "the platform refuses its secrets"
    if organization.is_paused:
        return "its calls are paused"
    return "no worker has come to it"
