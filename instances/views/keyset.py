"""Pages of a list, newest first, that cost the same wherever they are (no OFFSET, no count)."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from instances.forms import PagePosition

PAGE_SIZE = 50
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and from which row the pages beside them begin, if there are any."""

    rows: list[Row]
    newer_than: UUID | None
    older_than: UUID | None


def page_of(rows: QuerySet[Row], position: PagePosition, *, size: int = PAGE_SIZE) -> Page[Row]:
    """Return the rows of one page; ids sort by time."""
    after, before = position.older_than, position.newer_than
    if before is not None:
        found = list(rows.filter(pk__gt=before).order_by("pk")[: size + 1])
        shown = found[:size][::-1]
        return _page(shown, has_newer=len(found) > size, has_older=True)
    older = rows.filter(pk__lt=after) if after is not None else rows
    found = list(older.order_by("-pk")[: size + 1])
    return _page(found[:size], has_newer=after is not None, has_older=len(found) > size)


def _page(rows: list[Row], *, has_newer: bool, has_older: bool) -> Page[Row]:
    return Page(
        rows=rows,
        newer_than=rows[0].pk if rows and has_newer else None,
        older_than=rows[-1].pk if rows and has_older else None,
    )
