"""List every instance that is known here: the facts, never a token."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from instances.models import Instance, InstanceStatus

BATCH = 500
EPILOG = "Exit codes: 0 listed, 2 wrong usage."


class Command(BaseCommand):
    """One line or one JSON object for each instance."""

    help = "List the instances that are known here. Tokens and credentials are never shown."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, epilog=EPILOG, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="a JSON array, written as it is read"
        )
        parser.add_argument("--organization", metavar="NAME", help="only this organization's")
        parser.add_argument("--status", choices=InstanceStatus.values, help="only in this status")

    def handle(self, **options: Any) -> None:
        rows = chosen(options["organization"], options["status"])
        for line in as_json(rows) if options["json"] else as_lines(rows):
            self.stdout.write(line)


def chosen(organization: str | None, status: str | None) -> Iterator[Instance]:
    """Read the instances newest first, in batches, so that any number of them fits."""
    rows = Instance.objects.select_related("organization", "owner").prefetch_related("tags")
    if organization:
        rows = rows.filter(organization__name=organization)
    if status:
        rows = rows.filter(status=status)
    return rows.order_by("-pk").iterator(chunk_size=BATCH)


def as_json(rows: Iterator[Instance]) -> Iterator[str]:
    """Write one JSON array, one line for each instance."""
    separator = "["
    for instance in rows:
        yield separator + json.dumps(facts(instance), ensure_ascii=False)
        separator = ","
    yield "[]" if separator == "[" else "]"


def as_lines(rows: Iterator[Instance]) -> Iterator[str]:
    """Write one line for each instance, its facts separated by tabs."""
    for row in rows:
        shown = (row.pk, row.get_status_display(), row.remote_id or "-", row.organization, row.name)
        yield "\t".join(str(fact) for fact in shown)


def facts(instance: Instance) -> dict[str, Any]:
    """Return what anybody at this command line may see; the configuration is stored masked."""
    return {
        "id": str(instance.pk),
        "name": instance.name,
        "status": instance.status,
        "organization": instance.organization.name,
        "owner": instance.owner.get_username(),
        "element_key": instance.element_key,
        "environment": instance.environment,
        "remote_id": instance.remote_id,
        "tags": instance.tag_names,
        "configuration": instance.configuration,
        "created_at": instance.created_at.isoformat(),
        "settled_at": instance.settled_at.isoformat() if instance.settled_at else None,
    }
