"""Read the record page by page, at a cost that depends on neither its length nor the filters."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from instances.models import AuditEntry

SIZE = 50
# So many entries are looked through for one page, whatever is looked for.
WINDOW = 20_000
# Entries committed at the same time may have ids so far apart.
SLACK = 1_000


@dataclass(frozen=True)
class Excerpt:
    """Some entries, newest first, and below which id to go on; None at the end."""

    rows: list[AuditEntry]
    before: int | None
    # Looked back to here, though the page is not full.
    back_to: datetime | None = None


@dataclass(frozen=True)
class Span:
    """Which part of the record is looked through: ids from `bottom` to below `top`."""

    bottom: int
    top: int

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None) -> "Span":
        """Return where the entries from `since` to before `until` lie."""
        newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        bottom, top = 0, newest + 1
        if until is not None:
            before = AuditEntry.objects.filter(at__lt=until).order_by("-at")
            last = before.values_list("pk", flat=True).first() or 0
            top = min(top, last + SLACK)
        if since is not None:
            after = AuditEntry.objects.filter(at__gte=since).order_by("at")
            first = after.values_list("pk", flat=True).first()
            bottom = top if first is None else max(0, first - SLACK)
        return cls(bottom, top)


def excerpt(rows: QuerySet[AuditEntry], span: Span, *, is_narrow: bool = False) -> Excerpt:
    """Return the newest of these entries in the span; `is_narrow` if an index finds them by itself."""
    low = span.bottom if is_narrow else max(span.bottom, span.top - WINDOW)
    found = list(rows.filter(pk__gte=low, pk__lt=span.top).order_by("-pk")[: SIZE + 1])
    if len(found) > SIZE:
        return Excerpt(found[:SIZE], found[SIZE - 1].pk)
    if low > span.bottom:
        return Excerpt(found, low, _moment_of(low))
    return Excerpt(found, None)


def _moment_of(entry_id: int) -> datetime | None:
    near = AuditEntry.objects.filter(pk__gte=entry_id).order_by("pk")
    return near.values_list("at", flat=True).first()


def every(rows: QuerySet[AuditEntry], span: Span) -> Iterator[AuditEntry]:
    """Yield all of these entries in the span, newest first, some at a time."""
    top = span.top
    while top > span.bottom:
        low = max(span.bottom, top - WINDOW)
        yield from rows.filter(pk__gte=low, pk__lt=top).order_by("-pk").iterator(chunk_size=1000)
        top = low
