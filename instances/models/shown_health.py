"""Which instances are shown in a state of health, as conditions: what was found, what is imposed."""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from instances.models.health import HealthState
from instances.models.instance import InstanceStatus
from instances.models.organization import BreakerState

IS_WATCHED = Q(status=InstanceStatus.ACTIVE)
# What holds a whole organization up comes before what a check found.
HALTED = Q(organization__secrets_refused_at__isnull=False) | Q(organization__is_active=False)
PAUSED = Q(organization__breaker=BreakerState.OPEN) | Q(organization__paused_until__gt=Now())
NEVER_CHECKED = Q(health__checked_at__isnull=True)
# Checks that were left out in a row until what was found before proves nothing any more.
STALE_PERIODS = 3
EVERYTHING, NOTHING = Q(), Q(pk__in=[])


def stale_before() -> datetime | None:
    """Return when an instance must have been looked at to prove anything still; None: whenever it was."""
    every = settings.HEALTH["EVERY"]
    return timezone.now() - timedelta(seconds=every * STALE_PERIODS) if every else None


def found(state: HealthState) -> list[Q]:
    """Say in which ways a check, or none for long, left an instance in a state; nothing holds it up."""
    before = stale_before()
    is_stale = Q(health__checked_at__lt=before) if before else NOTHING
    is_so = IS_WATCHED & ~HALTED & Q(health__state=state)
    if state == HealthState.UNKNOWN:
        is_shown = ~PAUSED | Q(health__state=HealthState.ACTION_NEEDED)
        others = IS_WATCHED & ~HALTED & ~Q(health__state=state)
        return [is_so & (NEVER_CHECKED | ~PAUSED), others & is_stale & is_shown]
    is_so &= ~NEVER_CHECKED & (Q(health__checked_at__gte=before) if before else EVERYTHING)
    return [is_so if state == HealthState.ACTION_NEEDED else is_so & ~PAUSED]


def imposed(state: HealthState) -> Q | None:
    """Say that an instance is in that state because all of its organization are; None: none are."""
    if state == HealthState.ACTION_NEEDED:
        return IS_WATCHED & HALTED
    if state == HealthState.RETRYING:
        is_bad = Q(health__state=HealthState.ACTION_NEEDED)
        return IS_WATCHED & ~HALTED & PAUSED & ~NEVER_CHECKED & ~is_bad
    return None


def either(state: HealthState) -> Q:
    """Say that an instance is shown in that state, for whatever reason."""
    return reduce(or_, found(state), imposed(state) or NOTHING)
