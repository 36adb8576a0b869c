"""How many instances of each organization are in which state: counted here, read by the pages."""

import time
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef
from django.db.models.functions import Now

from instances.models import Health, HealthCount, HealthState, InstanceStatus, Organization
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
    numbers = dict(active.order_by().values_list("state").annotate(Count("pk")))
    again = max(EVERY_SECONDS, (time.monotonic() - began) / SHARE)
    HealthCount.objects.filter(pk=row.pk).update(
        **{state: numbers.get(state, 0) for state in HealthState.values},
        counted_at=Now(),
        due_at=Now() + timedelta(seconds=again),
    )
