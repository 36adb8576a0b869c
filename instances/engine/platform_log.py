"""Read the platform's audit log and usage, and keep here what they say of our instances."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from instances import vault
from instances.cloud_elements import (
    AuditLogEntry,
    CloudElementsClient,
    CloudElementsError,
    UsageEntry,
    audit_logs,
    usage_of,
)
from instances.engine import accounts
from instances.engine.claims import lease
from instances.models import (
    Health,
    Instance,
    LogKind,
    LogReading,
    Organization,
    PlatformEntry,
    database_now,
)

logger = structlog.get_logger(__name__)

# How far back is read at first: what the platform keeps at most (docs/platform-assumptions.md).
FIRST_CHANGES, FIRST_CALLS = timedelta(days=180), timedelta(days=30)
# Read again, since lines appear late (churros waits ten seconds) and clocks differ.
OVERLAP = timedelta(hours=1)
LONGEST_PROBLEM = 300


def enroll() -> None:
    """Give each organization a row that says up to where its log was read."""
    if not settings.HEALTH["LOG_EVERY"]:
        return
    known = LogReading.objects.filter(organization=OuterRef("pk"))
    rows = [LogReading(organization=one) for one in Organization.objects.filter(~Exists(known))]
    if rows:
        LogReading.objects.bulk_create(rows, ignore_conflicts=True)


def sweep(organization: Organization) -> None:
    """Read what changed in a whole organization since the last time, if that is due: few calls for all."""
    mine = LogReading.objects.filter(organization=organization, due_at__lte=Now())
    if not settings.HEALTH["LOG_EVERY"] or not mine.update(due_at=Now() + lease()):
        return
    reading, began = LogReading.objects.get(organization=organization), database_now()
    since = reading.read_to - OVERLAP if reading.read_to else began - FIRST_CHANGES
    problem = ""
    try:
        client = accounts.client_for(organization)
        for page in audit_logs(client, since=since):
            keep_changes(organization, page)
    except (CloudElementsError, vault.UnreadableError) as error:
        problem = str(error)[:LONGEST_PROBLEM]
        logger.warning("audit log not read", organization=str(organization.pk), reason=problem)
    LogReading.objects.filter(organization=organization).update(
        due_at=began + timedelta(seconds=settings.HEALTH["LOG_EVERY"]),
        read_to=reading.read_to if problem else began,
        problem=problem,
    )


def read(instance: Instance, client: CloudElementsClient, *, since: datetime | None) -> str:
    """
    Read both logs of one instance since a moment, or as far back as they go.

    :returns: why it could not be read, "" if it was.
    """
    now, remote_id = database_now(), instance.remote_id or 0
    last = since - OVERLAP if since else now - FIRST_CHANGES
    try:
        for page in audit_logs(client, since=last, remote_id=remote_id):
            keep_changes(instance.organization, page)
        calls = usage_of(client, remote_id, since=max(last, now - FIRST_CALLS))
        keep_calls(instance, calls)
    except CloudElementsError as error:
        return f"{error} {error.platform_message}".strip()[:LONGEST_PROBLEM]
    return ""


def answer(health: Health, client: CloudElementsClient, began: datetime) -> None:
    """Read both logs for somebody who asked for them before `began`."""
    problem = read(health.instance, client, since=health.log_read_at)
    read_at = {} if problem else {"log_read_at": began}
    asked = Health.objects.filter(pk=health.pk, log_asked_at__lte=began)
    asked.update(log_asked_at=None, log_problem=problem, **read_at)


def keep_changes(organization: Organization, entries: Sequence[AuditLogEntry]) -> None:
    """Keep lines of the audit log that are about instances of the organization, each once."""
    numbers = {entry.remote_id for entry in entries}
    known = Instance.objects.filter(organization=organization, remote_id__in=numbers)
    instances = dict(known.values_list("remote_id", "pk"))
    _keep(
        PlatformEntry(
            instance_id=instances[entry.remote_id],
            kind=LogKind.CHANGE,
            key=entry.key,
            at=entry.at,
            method=entry.method,
            path=entry.path,
            status=entry.status,
            is_failed=entry.status is not None and entry.status >= 400,
            user=entry.user,
            address=entry.address,
            request_id=entry.request_id,
        )
        for entry in entries
        if entry.remote_id in instances
    )


def keep_calls(instance: Instance, entries: Sequence[UsageEntry]) -> None:
    """Keep calls of one instance, each once, and of all its calls the newest ones."""
    if not entries:
        return
    _keep(
        PlatformEntry(
            instance=instance,
            kind=LogKind.CALL,
            key=entry.key,
            at=entry.at,
            method=entry.method,
            path=entry.path,
            status=entry.status,
            is_failed=entry.is_failed,
            milliseconds=entry.milliseconds,
            user=entry.user,
            address=entry.address,
            request_id=entry.request_id,
        )
        for entry in entries
    )
    kept = PlatformEntry.objects.filter(instance=instance, kind=LogKind.CALL)
    beyond = kept.order_by("-at").values_list("at", flat=True)[settings.HEALTH["LOG_CALLS"] :][:1]
    for last in beyond:
        kept.filter(at__lte=last).delete()


def _keep(rows: Iterable[PlatformEntry]) -> None:
    PlatformEntry.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def forget() -> None:
    """Delete what is kept long enough, some at a time."""
    old = PlatformEntry.objects.filter(at__lt=Now() - timedelta(days=settings.HEALTH["LOG_DAYS"]))
    keys = list(old.values_list("pk", flat=True)[:1000])
    if keys:
        PlatformEntry.objects.filter(pk__in=keys).delete()
