"""Instances that somebody has to do something about, of those that a person may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from instances.models import Health, HealthState, Instance, InstanceStatus, Organization
from instances.models.walk import Span, newest
from instances.reach import Reach
from instances.views.diagnosis import Diagnosis, diagnose

# What was shared by others is looked through one by one, so not without end.
MOST_SHARED = 1000


@dataclass(frozen=True)
class Broken:
    """One of them, and what is wrong."""

    instance: Instance
    health: Health
    diagnosis: Diagnosis


def shared_by_others(reach: Reach) -> list[Instance]:
    """Return active instances of other organizations that were shared, one more than are shown."""
    rows = Instance.objects.filter(status=InstanceStatus.ACTIVE)
    others = rows.exclude(organization__in=reach.organizations())
    return newest(reach.shared(others), Span(MOST_SHARED + 1), _with_health)


def _with_health(rows: QuerySet[Instance]) -> QuerySet[Instance]:
    return rows.select_related("health", "organization").defer("element", "configuration", "token")


def health_of(instance: Instance) -> Health | None:
    """Return its health as it was read with it; None before it is watched."""
    return getattr(instance, "health", None)


def broken_of(mine: Iterable[Organization], shared: Sequence[Instance], most: int) -> list[Broken]:
    """Return the newest in `mine` and `shared`; an organization that is held up is said by itself, not by its instances."""
    calling = [one for one in mine if not one.is_halted]
    bad = Health.objects.filter(
        state=HealthState.ACTION_NEEDED,
        organization__in=calling,
        instance__status=InstanceStatus.ACTIVE,
    )
    rows = list(bad.select_related("instance__organization").order_by("-since")[:most])
    theirs = [health for health in map(health_of, shared) if health]
    rows += [row for row in theirs if row.state == HealthState.ACTION_NEEDED]
    rows.sort(key=lambda row: row.since, reverse=True)
    return [
        Broken(row.instance, row, diagnose(row, row.instance.organization)) for row in rows[:most]
    ]
