"""How many instances of each organization are in which state: counted here, read by the pages."""

import time
from datetime import timedelta

from django.db.models import Case, Count, Exists, F, OuterRef, Value, When
from django.db.models.functions import Now

from instances.models import (
    Health,
    HealthCount,
    HealthState,
    InstanceStatus,
    Organization,
    shown_health,
)
from instances.models.health import today

EVERY_SECONDS = 60.0
# A count that takes long is made the more seldom, so that it is this part of the time at most.
SHARE = 0.05


def run() -> None:
    """Count what is due; each by one worker only, today's row anew, so that the last one stays."""
    _begin_day()
    for row in HealthCount.objects.filter(day=today(), due_at__lte=Now()):
        due = HealthCount.objects.filter(pk=row.pk, due_at__lte=Now())
        if due.update(due_at=Now() + timedelta(seconds=EVERY_SECONDS)):
            count(row)


def _begin_day() -> None:
    counted = HealthCount.objects.filter(organization=OuterRef("pk"), day=today())
    fresh = Organization.objects.filter(~Exists(counted), is_active=True)
    rows = [HealthCount(organization=organization, day=today()) for organization in fresh]
    if rows:
        HealthCount.objects.bulk_create(rows, ignore_conflicts=True)


def count(row: HealthCount) -> None:
    """Count the active instances of one organization by state, and keep the numbers."""
    began = time.monotonic()
    active = Health.objects.filter(
        organization=row.organization_id, instance__status=InstanceStatus.ACTIVE
    )
    shown = active.annotate(shown=_shown()).order_by().values_list("shown")
    numbers = dict(shown.annotate(Count("pk")))
    again = max(EVERY_SECONDS, (time.monotonic() - began) / SHARE)
    HealthCount.objects.filter(pk=row.pk).update(
        **{state: numbers.get(state, 0) for state in HealthState.values},
        counted_at=Now(),
        due_at=Now() + timedelta(seconds=again),
    )


def _shown() -> Case:
    """Say what is shown of an instance: what was not looked at for long is unknown, whatever it was."""
    before = shown_health.stale_before()
    unproven = [When(checked_at__isnull=True, then=Value(HealthState.UNKNOWN.value))]
    if before is not None:
        unproven.append(When(checked_at__lt=before, then=Value(HealthState.UNKNOWN.value)))
    return Case(*unproven, default=F("state"))
