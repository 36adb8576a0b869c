"""Which instances are shown in a state of health, as conditions: what was found, what is imposed."""

from django.db.models import Q
from django.db.models.functions import Now

from instances.models.health import HealthState
from instances.models.instance import InstanceStatus
from instances.models.organization import BreakerState

IS_WATCHED = Q(status=InstanceStatus.ACTIVE)
# What holds a whole organization up comes before what a check found.
HALTED = Q(organization__secrets_refused_at__isnull=False) | Q(organization__is_active=False)
PAUSED = Q(organization__breaker=BreakerState.OPEN) | Q(organization__paused_until__gt=Now())
NEVER_CHECKED = Q(health__checked_at__isnull=True)


def found(state: HealthState) -> Q:
    """Say that a check found an instance in that state, and nothing holds its organization up."""
    is_so = IS_WATCHED & ~HALTED & Q(health__state=state)
    if state == HealthState.ACTION_NEEDED:
        return is_so
    if state == HealthState.UNKNOWN:
        return is_so & (NEVER_CHECKED | ~PAUSED)
    return is_so & ~PAUSED


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
    return found(state) | (imposed(state) or Q(pk__in=[]))
