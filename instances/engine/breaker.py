"""Hold calls back for an organization that keeps failing, or whose platform asked to wait."""

from datetime import timedelta
from secrets import SystemRandom

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from instances import audit
from instances.cloud_elements import CloudElementsError
from instances.models import BreakerState, Organization

logger = structlog.get_logger(__name__)


def note(organization: Organization, error: CloudElementsError | None) -> None:
    """
    Take in how one call ended; None means that it was answered.

    Enough failures in a row, within the window, open the breaker; a time that the platform asked
    us to wait is kept for every call of the organization.
    """
    if error is not None and error.retry_after:
        pause(organization, error.retry_after)
    elif error is not None and error.is_failure:
        _note_failure(organization)
    elif organization.failures:
        organization.failures = 0
        _row(organization).update(failures=0, failing_since=None)


def pause(organization: Organization, seconds: float) -> None:
    """Send nothing for `seconds`, then begin with one call at a time."""
    until = Now() + timedelta(seconds=seconds)
    calling = _row(organization).filter(breaker=BreakerState.CLOSED)
    calling.exclude(paused_until__gt=until).update(paused_until=until, resumed_at=until)


def _note_failure(organization: Organization) -> None:
    organization.failures += 1
    row = _row(organization)
    window = timedelta(seconds=settings.ENGINE["BREAKER_WINDOW_SECONDS"])
    if not row.filter(failing_since__gt=Now() - window).update(failures=F("failures") + 1):
        row.update(failures=1, failing_since=Now())
    many = row.filter(failures__gte=settings.ENGINE["BREAKER_FAILURES"])
    if tripped := many.filter(breaker=BreakerState.CLOSED).first():
        _open(tripped)


def _open(organization: Organization) -> None:
    """Open the breaker; longer than the last time if it had closed only a while ago."""
    shortest, longest = settings.ENGINE["BREAKER_SECONDS"], settings.ENGINE["BREAKER_MOST_SECONDS"]
    recent = _row(organization).filter(resumed_at__gt=Now() - timedelta(seconds=longest))
    seconds = _longer(organization) if recent.exists() else shortest
    with transaction.atomic():
        closed = _row(organization).filter(breaker=BreakerState.CLOSED)
        if closed.select_for_update().exists():
            audit.record(None, "organization.paused", organization, seconds=round(seconds))
            # Last, since it counts for others from the commit on.
            closed.update(breaker=BreakerState.OPEN, **_paused(seconds))
            _wait_until(organization, organization.paused_until)
            logger.warning("breaker opened", organization=str(organization.pk))


def _longer(organization: Organization) -> float:
    shortest, longest = settings.ENGINE["BREAKER_SECONDS"], settings.ENGINE["BREAKER_MOST_SECONDS"]
    return float(min(max(organization.pause_seconds * 2, shortest), longest))


def _paused(seconds: float) -> dict[str, object]:
    # Spread, so that organizations behind one platform are not all probed at once.
    spread = seconds * SystemRandom().uniform(0.8, 1.0)
    return {
        "pause_seconds": round(seconds),
        "paused_until": Now() + timedelta(seconds=spread),
    }


def due_probes() -> list[Organization]:
    """
    Take the organizations whose pause is over; nobody else gets them for the time of a call.

    One claim for each: several workers may ask at the same time.
    """
    over = Organization.objects.filter(
        breaker=BreakerState.OPEN,
        paused_until__lte=Now(),
        is_active=True,
        secrets_refused_at=None,
    )
    lease = timedelta(seconds=settings.ENGINE["CALL_SECONDS"] + 5)
    return [one for one in over if over.filter(pk=one.pk).update(paused_until=Now() + lease)]


def close(organization: Organization) -> None:
    """Let calls out again after a probe was answered: one at a time at first."""
    with transaction.atomic():
        opened = _row(organization).filter(breaker=BreakerState.OPEN)
        if opened.update(
            breaker=BreakerState.CLOSED,
            paused_until=None,
            failures=0,
            failing_since=None,
            resumed_at=Now(),
        ):
            audit.record(None, "organization.resumed", organization)


def stay_open(organization: Organization, asked: float = 0.0) -> None:
    """Wait longer until the next probe, since this one failed; `asked`: as many seconds at least."""
    _row(organization).filter(breaker=BreakerState.OPEN).update(**_paused(_longer(organization)))
    _wait_until(organization, Now() + timedelta(seconds=asked))


def _wait_until(organization: Organization, asked: object) -> None:
    """Do not probe before the time that the platform asked us to wait for, if it did."""
    if asked is not None:
        opened = _row(organization).filter(breaker=BreakerState.OPEN, paused_until__lt=asked)
        opened.update(paused_until=asked)


def _row(organization: Organization) -> QuerySet[Organization]:
    return Organization.objects.filter(pk=organization.pk)
