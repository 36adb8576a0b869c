"""Pages of a list, newest first, that cost the same wherever they are (no OFFSET, no count)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from instances.forms import PagePosition
from instances.models.walk import Dress, Readable, Span, Walk, newest

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
    return page_along([Walk([rows])], position, dress=_plain, size=size)


def page_along(
    walks: Sequence[Readable[Row]],
    position: PagePosition,
    *,
    dress: Dress[Row],
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """Return the rows of one page of all walks together, `dress` saying what comes with them."""
    older, newer = position.older_than, position.newer_than
    if newer is not None:
        found = newest(walks, Span(size + 1, newer_than=newer, is_oldest_first=True), dress)
        return _page(found[:size][::-1], has_newer=len(found) > size, has_older=True)
    found = newest(walks, Span(size + 1, older_than=older), dress)
    return _page(found[:size], has_newer=older is not None, has_older=len(found) > size)


def _plain(rows: QuerySet[Row]) -> QuerySet[Row]:
    return rows


def _page(rows: list[Row], *, has_newer: bool, has_older: bool) -> Page[Row]:
    return Page(
        rows=rows,
        newer_than=rows[0].pk if rows and has_newer else None,
        older_than=rows[-1].pk if rows and has_older else None,
    )
