"""Verify the record of who did what: every entry, every seal, and what was the end of it once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instances import audit
from instances.audit import Head, heads

PROBLEM, USAGE = 1, 2
MOST_SHOWN = 20
EPILOG = (
    "Exit codes: 0 everything stands as it was written, 1 something does not, and the first that "
    "does not is named first, 2 wrong usage, or the file of heads cannot be read. docs/operations/audit.md tells what to do then."
)


class Command(BaseCommand):
    """Read the whole chain; nothing is changed."""

    help = "Verify the audit record: entries changed, removed, put in, moved or cut off are named."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, epilog=EPILOG, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="POSITION:MARK",
            help="a head that this command printed earlier; the chain must still hold it",
        )

    def handle(self, **options: Any) -> None:
        try:
            known = [*heads.published(), *map(Head.parse, options["head"])]
        except ValueError as error:
            raise CommandError(str(error), returncode=USAGE) from error
        except OSError as error:
            sentence = f"{error.filename} cannot be read: {error.strerror}."
            raise CommandError(sentence, returncode=USAGE) from error
        report = audit.verify(known)
        self.stdout.write(
            f"{report.entries} entries in {report.seals} seals, {report.waiting} not sealed yet, "
            f"{len(known)} earlier heads."
        )
        if report.problems:
            shown = report.problems[:MOST_SHOWN]
            if len(report.problems) > len(shown):
                shown.append(f"and {len(report.problems) - len(shown)} more.")
            raise CommandError("\n".join(shown), returncode=PROBLEM)
        self.stdout.write(f"Everything stands as it was written. Head: {report.head or 'none yet'}")
