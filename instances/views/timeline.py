"""One timeline of an instance from both sides: what was done here, what was sent, what the platform saw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from instances.forms import Place, Show, TimelineFilter
from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Health,
    HealthCheck,
    Instance,
    LogKind,
    PlatformEntry,
)
from instances.views.history import Event, event_of

PAGE_SIZE = 40
STALE_AFTER = timedelta(minutes=5)
OURS, REQUEST, PLATFORM = 1, 2, 3
OUTCOMES = {
    AttemptOutcome.SUCCEEDED: ("ok", "check"),
    AttemptOutcome.REJECTED: ("bad", "circle-x"),
    AttemptOutcome.UNKNOWN: ("unknown", "circle-question-mark"),
    AttemptOutcome.IN_FLIGHT: ("info", "send"),
}


@dataclass(frozen=True)
class Line:
    """One event and where it stands; `seen` is what the platform wrote down about the same request."""

    place: Place
    event: Event
    seen: PlatformEntry | None = None


@dataclass(frozen=True)
class Timeline:
    """Some lines, newest first, and from where the pages beside them begin, if there are any."""

    lines: list[Line]
    newer_than: Place | None
    older_than: Place | None


Tell = Callable[[Sequence[Any]], list[Line]]


@dataclass(frozen=True)
class _Source:
    """One kind of line: where its rows are, the column of its time, and how they are told."""

    number: int
    column: str
    rows: QuerySet[Any]
    tell: Tell


def timeline_page(query: QueryDict, instance: Instance) -> dict[str, Any]:
    """Return what the page about a timeline shows, filtered and paged as the URL says."""
    wanted = TimelineFilter(query)
    return {
        "timeline": timeline_of(
            instance,
            wanted.chosen,
            older_than=wanted.older_than,
            newer_than=wanted.newer_than,
        ),
        "shows": Show,
        "show": wanted.chosen,
    }


def is_stale(health: Health | None) -> bool:
    """Tell whether the platform's lines are old enough to be read again by themselves."""
    if health is None or health.log_asked_at or health.log_problem:
        return False
    return health.log_read_at is None or timezone.now() - health.log_read_at > STALE_AFTER


def timeline_of(
    instance: Instance,
    show: Show,
    *,
    older_than: Place | None = None,
    newer_than: Place | None = None,
    size: int = PAGE_SIZE,
) -> Timeline:
    """Return one page over all sources in one order; each is read along its index, as far as needed."""
    edge, is_newer = (newer_than, True) if newer_than else (older_than, False)
    lines: list[Line] = []
    for source in _sources(instance, show):
        lines += source.tell(_part(source, edge, size + 1, is_newer=is_newer))
    lines.sort(key=lambda line: line.place, reverse=not is_newer)
    has_more = len(lines) > size
    shown = lines[:size][::-1] if is_newer else lines[:size]
    has_newer = has_more if is_newer else edge is not None
    has_older = True if is_newer else has_more
    return Timeline(
        shown,
        shown[0].place if shown and has_newer else None,
        shown[-1].place if shown and has_older else None,
    )


def _part(source: _Source, edge: Place | None, limit: int, *, is_newer: bool) -> list[Model]:
    sign, side = ("", "gt") if is_newer else ("-", "lt")
    rows = source.rows.order_by(f"{sign}{source.column}", f"{sign}pk")
    if edge is not None:
        rows = rows.filter(_beyond(source, edge, side))
    return list(rows[:limit])


def _beyond(source: _Source, edge: Place, side: str) -> Q:
    """Say that a row stands on that side of a place: by time, then source, then number."""
    beyond = Q((f"{source.column}__{side}", edge.at))
    if source.number == edge.source:
        beyond |= Q((source.column, edge.at), (f"pk__{side}", edge.number))
    elif (source.number < edge.source) == (side == "lt"):
        beyond |= Q((source.column, edge.at))
    # The first part says nothing new, and lets the index begin where the page does.
    return Q((f"{source.column}__{side}e", edge.at)) & beyond


def _sources(instance: Instance, show: Show) -> list[_Source]:
    ours = AuditEntry.objects.filter(object_id=str(instance.pk))
    requests = Attempt.objects.filter(operation__instance=instance).select_related("operation")
    # What we sent ourselves is one line, told where we recorded it.
    sent = Attempt.objects.filter(
        operation__instance=instance, request_id=OuterRef("request_id")
    ).exclude(request_id="")
    seen = PlatformEntry.objects.filter(instance=instance)
    others = seen.filter(~Exists(sent))
    calls, changes = others.filter(kind=LogKind.CALL), others.filter(kind=LogKind.CHANGE)
    by_show = {
        Show.ALL: (ours, requests, others),
        Show.OURS: (ours, None, None),
        Show.REQUESTS: (None, requests, None),
        Show.CHANGES: (None, None, changes),
        Show.CALLS: (None, None, calls),
    }
    told: tuple[Tell, ...] = (_tell_ours, _tell_requests(seen), _tell_platform(instance))
    columns = ("at", "started_at", "at")
    wanted = zip((OURS, REQUEST, PLATFORM), columns, by_show[show], told, strict=True)
    return [
        _Source(number, column, rows, tell)
        for number, column, rows, tell in wanted
        if rows is not None
    ]


def _tell_ours(rows: Sequence[AuditEntry]) -> list[Line]:
    return [Line(Place(row.at, OURS, row.pk), event_of(row)) for row in rows]


def _tell_requests(
    seen: QuerySet[PlatformEntry],
) -> Callable[[Sequence[Attempt]], list[Line]]:
    def tell(rows: Sequence[Attempt]) -> list[Line]:
        ids = [row.request_id for row in rows if row.request_id]
        found = {entry.request_id: entry for entry in seen.filter(request_id__in=ids)}
        return [_request(row, found.get(row.request_id)) for row in rows]

    return tell


def _request(attempt: Attempt, seen: PlatformEntry | None) -> Line:
    outcome = AttemptOutcome(attempt.outcome)
    tone, icon = OUTCOMES.get(outcome, ("warn", "send"))
    took = f" after {attempt.duration.total_seconds():.1f} s" if attempt.duration else ""
    status = f", HTTP {attempt.http_status}" if attempt.http_status else ""
    event = Event(
        at=attempt.started_at,
        title=f"Request {attempt.number}: {attempt.request_line}",
        tone=tone,
        icon=icon,
        who="Elementdesk",
        detail=f"{outcome.label}{took}{status}. {attempt.message}".strip(". "),
        request_id=attempt.request_id,
        source="Our request",
    )
    return Line(Place(attempt.started_at, REQUEST, attempt.pk), event, seen)


def _tell_platform(instance: Instance) -> Callable[[Sequence[PlatformEntry]], list[Line]]:
    def tell(rows: Sequence[PlatformEntry]) -> list[Line]:
        ids = [row.request_id for row in rows if row.request_id]
        mine = HealthCheck.objects.filter(instance=instance, request_id__in=ids)
        tests = set(mine.values_list("request_id", flat=True)) if ids else set()
        return [_platform(row, is_ours=row.request_id in tests) for row in rows]

    return tell


def _platform(entry: PlatformEntry, *, is_ours: bool) -> Line:
    is_change = entry.kind == LogKind.CHANGE
    event = Event(
        at=entry.at,
        title=f"{entry.method or 'Call'} {entry.path}".strip(),
        tone="bad" if entry.is_failed else "info" if is_change else "",
        icon="pencil" if is_change else "plug",
        who=f"platform user {entry.user}" if entry.user else "somebody",
        detail=_told(entry, is_ours=is_ours),
        request_id=entry.request_id,
        address=entry.address,
        source="Platform's audit log" if is_change else "Platform's usage",
    )
    return Line(Place(entry.at, PLATFORM, entry.pk), event)


def _told(entry: PlatformEntry, *, is_ours: bool) -> str:
    parts = [
        "A test of ours" if is_ours else "",
        f"HTTP {entry.status}" if entry.status else "",
        f"took {entry.milliseconds} ms" if entry.milliseconds is not None else "",
        "failed" if entry.is_failed else "",
    ]
    return ", ".join(part for part in parts if part)
