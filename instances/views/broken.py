"""Instances that somebody has to do something about, of those that a person may see."""

from dataclasses import dataclass

from django.db.models import QuerySet

from instances import prepared
from instances.models import Health, Instance, InstanceStatus, Organization
from instances.models.walk import Span, Walk, first_of_each, newest
from instances.reach import Reach
from instances.views.diagnosis import Diagnosis, diagnose

# What a diagnosis asks of an instance, its health and its organization.
DIAGNOSED = (
    *("health__state", "health__problem", "health__since", "health__checked_at"),
    *("organization__secrets_refused_at", "organization__is_active", "organization__breaker"),
    *("organization__paused_until", "organization__failing_since"),
)
# The same, and what is shown, as a row of health names them.
SHOWN = (
    *(one.removeprefix("health__") for one in DIAGNOSED if one.startswith("health__")),
    *(f"instance__{one}" for one in DIAGNOSED if one.startswith("organization__")),
    *("instance__name", "instance__organization__name"),
)
# What was shared by others is looked through one by one, so not without end.
MOST_SHARED = 100
MOST_SHOWN = 20


@dataclass(frozen=True)
class Broken:
    """One of them, and what is wrong."""

    instance: Instance
    health: Health
    diagnosis: Diagnosis


def shared_by_others(reach: Reach) -> list[Instance]:
    """Return active instances of other organizations that were shared, one more than are shown."""
    walks = prepared.walks(_active_of_others, reach)
    return newest(walks, Span(MOST_SHARED + 1), _with_health)


def _active_of_others(reach: Reach) -> list[Walk[Instance]]:
    rows = Instance.objects.filter(status=InstanceStatus.ACTIVE)
    return reach.shared(rows.exclude(organization__in=reach.organizations()))


def _with_health(rows: QuerySet[Instance]) -> QuerySet[Instance]:
    return rows.select_related("health", "organization").only(*DIAGNOSED)


def health_of(instance: Instance) -> Health | None:
    """Return its health as it was read with it; None before it is watched."""
    return getattr(instance, "health", None)


def broken_of(reach: Reach, most: int) -> list[Broken]:
    """Return the newest that the person may see, `MOST_SHOWN` at most."""
    mine = prepared.read(_mine, reach)
    theirs = newest(prepared.walks(Reach.broken_by_share, reach), Span(most), _with_instance)
    found = {row.pk: row for row in [*mine, *theirs]}
    rows = sorted(found.values(), key=lambda row: row.since, reverse=True)
    return [
        Broken(row.instance, row, diagnose(row, row.instance.organization)) for row in rows[:most]
    ]


def _mine(reach: Reach) -> QuerySet[Health]:
    """Return the newest of the person's own organizations."""
    every, mine = _with_instance(reach.broken_rows()), reach.organizations()
    found = first_of_each(
        every, "organization", Organization, mine, order="-since", most=MOST_SHOWN
    )
    return found[:MOST_SHOWN]


def _with_instance(rows: QuerySet[Health]) -> QuerySet[Health]:
    return rows.select_related("instance__organization").only(*SHOWN)
