"""The start page: how everything that a person may see is doing, and what needs somebody first."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instances import prepared
from instances.access import Action
from instances.models import HealthCount, HealthState, Instance, Operation, Organization
from instances.models.health import today
from instances.models.walk import Span, newest
from instances.reach import Reach
from instances.views import charts
from instances.views.activity import NOT_SHOWN, every_operation
from instances.views.broken import (
    MOST_SHARED,
    broken_of,
    health_of,
    shared_by_others,
)
from instances.views.diagnosis import TONES, diagnose
from instances.views.exchange import standing_still
from instances.views.finding import SignedInRequest, reach_for

TREND_DAYS = 30
BROKEN_SHOWN, OPERATIONS_SHOWN = 6, 8
TOLD = (
    HealthState.HEALTHY,
    HealthState.ACTION_NEEDED,
    HealthState.RETRYING,
    HealthState.DISABLED,
    HealthState.UNKNOWN,
)


@dataclass(frozen=True)
class Tile:
    """One state, and how many instances are in it."""

    state: HealthState
    number: int

    @property
    def tone(self) -> str:
        return TONES[self.state][0]

    @property
    def icon(self) -> str:
        return TONES[self.state][1]


@require_safe
def overview(request: SignedInRequest) -> HttpResponse:
    """Show counts, trend, what needs attention first, and what happened last."""
    reach = reach_for(request)
    mine = list(prepared.read(Reach.organization_rows, reach))
    counts = _latest(mine)
    shared = shared_by_others(reach)
    numbers = _numbers(mine, counts, shared[:MOST_SHARED])
    context = {
        "tiles": [Tile(state, numbers[state]) for state in TOLD],
        "total": sum(numbers.values()),
        "is_capped": len(shared) > MOST_SHARED,
        "counted_at": min((row.counted_at for row in counts if row.counted_at), default=None),
        "held_up": [one for one in mine if one.is_held_up],
        "halted": standing_still(reach, BROKEN_SHOWN),
        "broken": broken_of(reach, BROKEN_SHOWN),
        "operations": newest(
            prepared.walks(every_operation, reach), Span(OPERATIONS_SHOWN), _with_names
        ),
        "can_create": bool(reach.organizations(Action.CREATE)),
        **_trend(mine),
    }
    return render(request, "instances/overview.html", context)


def _latest(mine: list[Organization]) -> list[HealthCount]:
    """Return the newest count of each organization; just after midnight that is yesterday's."""
    since = today() - datetime.timedelta(days=1)
    rows = HealthCount.objects.filter(
        organization__in=mine, day__gte=since, counted_at__isnull=False
    )
    return list({row.organization_id: row for row in rows.order_by("day")}.values())


def _numbers(
    mine: list[Organization], counts: list[HealthCount], shared: list[Instance]
) -> dict[HealthState, int]:
    """Add up; what holds an organization up is what all its instances are said to be."""
    numbers = dict.fromkeys(TOLD, 0)
    organizations = {one.pk: one for one in mine}
    for row in counts:
        organization = organizations[row.organization_id]
        for state in TOLD:
            shown = _held(organization, state)
            numbers[shown] += getattr(row, state)
    for instance in shared:
        numbers[diagnose(health_of(instance), instance.organization).state] += 1
    return numbers


def _held(organization: Organization, state: HealthState) -> HealthState:
    if organization.is_halted:
        return HealthState.ACTION_NEEDED
    is_good = state not in (HealthState.ACTION_NEEDED, HealthState.UNKNOWN)
    return HealthState.RETRYING if organization.is_paused and is_good else state


def _with_names(rows: QuerySet[Operation]) -> QuerySet[Operation]:
    return rows.select_related("instance", "requester").defer(*NOT_SHOWN)


def _trend(mine: list[Organization]) -> dict[str, Any]:
    wanted = charts.days_until(today(), TREND_DAYS)
    rows = HealthCount.objects.filter(
        organization__in=mine, day__gte=wanted[0], counted_at__isnull=False
    )
    sums = rows.values("day").annotate(**{f"{state}_sum": Sum(state) for state in TOLD})
    found = {row["day"]: [row[f"{state}_sum"] for state in TOLD] for row in sums}
    most = max((sum(numbers) for numbers in found.values()), default=0)
    healthy, bad = [
        charts.plot([found[day][at] if day in found else None for day in wanted], most=most)
        for at in (0, 1)
    ]
    days = [(day, found[day]) for day in reversed(wanted) if day in found]
    return {"healthy": healthy, "bad": bad, "trend": days, "trend_from": wanted[0]}
