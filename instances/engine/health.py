"""When instances are looked at: what is due or asked for, spread over time, few at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from instances import access, vault
from instances.access import Action
from instances.cloud_elements import CloudElementsClient
from instances.engine import accounts, checking, diagnosis, platform_log
from instances.engine.claims import lease
from instances.models import (
    Health,
    HealthState,
    Instance,
    InstanceStatus,
    LogReading,
    Organization,
    database_now,
)

logger = structlog.get_logger(__name__)

# So many organizations at the same time, and so many instances of one between two sweeps: one after
# the other, so that work always has most of an organization's calls for itself.
ORGANIZATIONS_AT_ONCE = 4
CHECKS_A_SWEEP = 20
# So many instances are compared with the rows of health in one sweep.
ENROLLED_A_SWEEP = 500
# Usage is asked for at most this long.
LONGEST_USAGE = timedelta(days=7)

SEALED = checking.Reading(HealthState.ACTION_NEEDED, "sealed-secrets")

_stopping = threading.Event()
_busy: set[UUID] = set()
_lock = threading.Lock()
# Up to where this process has compared, newest first.
_compared: list[UUID] = []


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ORGANIZATIONS_AT_ONCE, thread_name_prefix="health")


def stop() -> None:
    """Begin no further check."""
    _stopping.set()


def start() -> None:
    """Look at what is due, each organization on a thread of its own; nothing waits for it here."""
    for organization in due():
        with _lock:
            if _stopping.is_set() or organization.pk in _busy:
                continue
            _busy.add(organization.pk)
        _threads().submit(_round, organization)


def due() -> list[Organization]:
    """Return the organizations that calls go out for, and of which an instance or the log is due."""
    mine = {"organization": OuterRef("pk"), "due_at__lte": Now()}
    rows, logs = Health.objects.filter(**mine), LogReading.objects.filter(**mine)
    return list(Organization.objects.callable().filter(Exists(rows) | Exists(logs)))


def _round(organization: Organization) -> None:
    try:
        run(organization)
        platform_log.sweep(organization)
    except Exception:
        logger.exception("health checks stopped", organization=str(organization.pk))
    finally:
        with _lock:
            _busy.discard(organization.pk)
        connection.close()


def run(organization: Organization) -> None:
    """Look at some of what is due of one organization, one after the other."""
    for _ in range(CHECKS_A_SWEEP):
        if _stopping.is_set() or (health := claim(organization)) is None:
            return
        with structlog.contextvars.bound_contextvars(instance=str(health.pk)):
            look(health)


def claim(organization: Organization) -> Health | None:
    """Take one of what is due, first what somebody waits for; nobody else gets it for a lease."""
    if not Organization.objects.callable().filter(pk=organization.pk).exists():
        return None
    rows = Health.objects.filter(organization=organization, due_at__lte=Now())
    asked = Q(asked_at__isnull=False) | Q(log_asked_at__isnull=False)
    for wanted in (rows.filter(asked), rows):
        for pk in wanted.order_by("due_at").values_list("pk", flat=True)[:5]:
            if rows.filter(pk=pk).update(due_at=Now() + lease()):
                together = ("instance__organization", "asked_by")
                return Health.objects.select_related(*together).get(pk=pk)
    return None


def look(health: Health) -> None:
    """
    Make one check and write down what it found; in earnest if somebody asked for it, who still may.

    What the platform's logs say is kept along with it, all of it if somebody asked for that.
    """
    instance, began = health.instance, database_now()
    try:
        client = accounts.client_for(instance.organization)
    except vault.UnreadableError:
        diagnosis.record(instance, SEALED, began)
        Health.objects.filter(pk=health.pk).update(log_asked_at=None)
        return
    if instance.status != InstanceStatus.ACTIVE:
        # The last lines tell who deleted it.
        platform_log.read(instance, client, since=health.log_read_at)
        _leave(health)
        return
    reading = _reading(health, client, began, is_asked=_is_asked(health))
    diagnosis.record(instance, reading, began)
    if health.log_asked_at:
        platform_log.answer(health, client, began)
    else:
        platform_log.keep_calls(instance, reading.calls)


def _leave(health: Health) -> None:
    """Look no more at what is gone; what is only being changed or deleted keeps its row, and may come back."""
    if health.instance.status not in (InstanceStatus.CHANGING, InstanceStatus.DELETING):
        health.delete()
        return
    is_brief = health.instance.status == InstanceStatus.CHANGING
    pause = settings.HEALTH["CONFIRM_SECONDS" if is_brief else "EVERY"]
    due_at = database_now() + timedelta(seconds=pause) if pause else None
    forgotten = {"asked_at": None, "asked_by": None, "log_asked_at": None}
    Health.objects.filter(pk=health.pk).update(due_at=due_at, **forgotten)


def _is_asked(health: Health) -> bool:
    """Tell whether somebody asked for a test who may use the instance; who may not is forgotten."""
    asker = health.asked_by
    if health.asked_at is None:
        return False
    if asker is not None and access.can(asker, Action.USE, health.instance):
        return True
    Health.objects.filter(pk=health.pk).update(asked_at=None, asked_by=None)
    return False


def _reading(
    health: Health, client: CloudElementsClient, began: datetime, *, is_asked: bool
) -> checking.Reading:
    if is_asked:
        return checking.in_earnest(health.instance, client)
    since = max(health.checked_at or began - LONGEST_USAGE, began - LONGEST_USAGE)
    return checking.by_record(health.instance, client, since=since)


def enroll() -> None:
    """
    Give active instances a row of health, some in each sweep, so that all are reached in time.

    A few at once, such as new ones, are looked at within a minute or so; very many over a whole period.
    """
    rows = Instance.objects.filter(status=InstanceStatus.ACTIVE).order_by("-pk")
    if _compared:
        rows = rows.filter(pk__lt=_compared[0])
    found = list(rows.values_list("pk", "organization")[:ENROLLED_A_SWEEP])
    known = set(Health.objects.filter(pk__in=[pk for pk, _ in found]).values_list("pk", flat=True))
    missing = [(pk, organization) for pk, organization in found if pk not in known]
    _add(missing, is_crowd=len(missing) == ENROLLED_A_SWEEP)
    if settings.HEALTH["EVERY"]:
        # Those that were looked at only when asked, until the setting said otherwise.
        Health.objects.filter(pk__in=known, due_at=None).update(due_at=Now())
    _compared[:] = [found[-1][0]] if len(found) == ENROLLED_A_SWEEP else []


def _add(missing: list[tuple[UUID, UUID]], *, is_crowd: bool) -> None:
    if not missing:
        return
    every = settings.HEALTH["EVERY"]
    spread = every if is_crowd else min(every, settings.HEALTH["CONFIRM_SECONDS"])
    now = database_now()
    rows = [
        Health(
            instance_id=pk,
            organization_id=organization,
            due_at=now + timedelta(seconds=spread * place / len(missing)) if every else None,
        )
        for place, (pk, organization) in enumerate(missing, start=1)
    ]
    Health.objects.bulk_create(rows, ignore_conflicts=True)
