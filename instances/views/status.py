"""How this installation itself is doing, for whoever keeps it running."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instances import access, fence, vault
from instances.models import (
    AuditEntry,
    AuditSeal,
    Installation,
    Operation,
    OperationState,
    SealingKey,
    Worker,
    database_now,
)
from instances.models.states import CLAIMABLE
from instances.views.finding import SignedInRequest, missing_unless_allowed
from instances.views.health import has_broker

# More are said to be so many or more.
MOST_COUNTED = 1000
LATE = timedelta(minutes=2)
UNSEALED = timedelta(minutes=10)
OLD_BACKUP = timedelta(days=2)
S = OperationState


@dataclass(frozen=True)
class Part:
    """One part of the installation: whether all is well, what is known, and what to do if not."""

    name: str
    is_good: bool
    known: str
    at: datetime | None = None
    next_step: str = ""


@dataclass(frozen=True)
class Number:
    """How many operations stand somewhere; `is_more` when only so many were counted."""

    label: str
    count: int

    @property
    def is_more(self) -> bool:
        return self.count > MOST_COUNTED

    @property
    def shown(self) -> int:
        return min(self.count, MOST_COUNTED)


@require_safe
@missing_unless_allowed
def status(request: SignedInRequest) -> HttpResponse:
    """Show workers, queue, broker, database, keys, the fence, the record's seals and the last backup."""
    access.require_status(request.user)
    now, alive = database_now(), list(Worker.objects.alive().order_by("name"))
    parts = [_workers(alive), _queue(now), _broker(), _database(), _keys()]
    parts += [_sending(), _record(now), _backup(now)]
    context = {"parts": parts, "numbers": _numbers(), "workers": alive}
    return render(request, "instances/status.html", context)


def _workers(alive: list[Worker]) -> Part:
    if alive:
        known = "One worker is there." if len(alive) == 1 else f"{len(alive)} workers are there."
        return Part("Workers", True, known, max(one.seen_at for one in alive))
    last = Worker.objects.order_by("-seen_at").first()
    known = "No worker is there: what people ask for is kept, and nothing is sent."
    step = "Start one, or see its log for why it ended."
    return Part("Workers", False, known, last.seen_at if last else None, step)


def _queue(now: datetime) -> Part:
    first = Operation.objects.due().order_by("next_run_at").values_list("next_run_at", flat=True)
    since = first.first()
    if since is None:
        return Part("Queue", True, "Nothing waits for a worker.")
    is_good = since > now - LATE
    step = "Its organizations may all be at their calls in flight; more workers help otherwise."
    return Part(
        "Queue", is_good, "The oldest that could be sent waits", since, "" if is_good else step
    )


def _broker() -> Part:
    if has_broker():
        return Part("Broker", True, "It takes messages.")
    step = "Workers find their work by themselves every few seconds until it is back."
    return Part(
        "Broker", False, "It does not answer, so that work begins a little later.", None, step
    )


def _database() -> Part:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT current_setting('server_version'), pg_database_size(current_database())"
            )
        else:
            cursor.execute(
                "SELECT sqlite_version(), page_count * page_size"
                " FROM pragma_page_count(), pragma_page_size()"
            )
        version, size = cursor.fetchone()
    name = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    return Part("Database", True, f"{name} {version.split()[0]}, {size / 1e6:,.0f} MB.")


def _keys() -> Part:
    try:
        current = vault.ring().primary
    except vault.KeyRingError as error:
        return Part("Keys", False, str(error), None, "docs/operations/keys.md tells what to do.")
    others = SealingKey.objects.filter(retired_at=None).exclude(key_id=current).count()
    also = f" {others} older one{'s' * (others != 1)} may still be needed." if others else ""
    return Part("Keys", True, f"New values are sealed with {current}.{also}")


def _sending() -> Part:
    reason = fence.trouble()
    step = "docs/operations/backup.md tells what to do." if reason else ""
    return Part("Sending", not reason, reason or "Requests may leave.", None, step)


def _record(now: datetime) -> Part:
    newest = AuditSeal.objects.newest()
    waiting = AuditEntry.objects.filter(pk__gt=newest.last_id if newest else 0).order_by("pk")
    oldest = waiting.values_list("at", flat=True).first()
    if oldest is None or oldest > now - UNSEALED:
        sealed_at = newest.sealed_at if newest else None
        return Part("Audit record", True, "Its newest entries were sealed", sealed_at)
    step = "A worker seals them; see its log if one is there."
    return Part("Audit record", False, "Entries are not sealed since", oldest, step)


def _backup(now: datetime) -> Part:
    at = Installation.current().backed_up_at
    if at is None:
        known, step = "None was ever noted.", "End your backup with: python manage.py note_backup"
        return Part("Last backup", False, known, None, step)
    is_good = at > now - OLD_BACKUP
    return Part(
        "Last backup", is_good, "It was noted", at, "" if is_good else "Is the backup still made?"
    )


def _numbers() -> list[Number]:
    """Count along an index each: rows that are final are never read."""
    rows = Operation.objects
    refused = rows.filter(organization__secrets_refused_at__isnull=False)
    found = {
        "May be sent now": rows.due(),
        "Under way": rows.filter(lease_until__gt=database_now()),
        S.UNKNOWN.label: rows.filter(state__in=CLAIMABLE).filter(state=S.UNKNOWN),
        "Wait for new secrets": refused.filter(state=S.BLOCKED),
        S.NEEDS_PERSON.label: rows.filter(state=S.NEEDS_PERSON),
    }
    return [Number(label, _count(these)) for label, these in found.items()]


def _count(rows: QuerySet[Operation]) -> int:
    """Count no further than what is shown, however many there are."""
    return rows.order_by()[: MOST_COUNTED + 1].count()
