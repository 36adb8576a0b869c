"""What a check changes: the state of the instance if it is believed, and the day's row."""

from datetime import datetime, timedelta
from secrets import SystemRandom

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances import audit
from instances.engine.checking import Reading
from instances.models import (
    Health,
    HealthCheck,
    HealthDay,
    HealthState,
    Instance,
    Notice,
    NoticeKind,
    key_of,
    notice_of_instance,
)
from instances.models.health import today, worse

# A change is believed when so many checks in a row found the same; more of them while it changes often.
AGREEING = 2
AGREEING_WHILE_FLAPPING = 4
FLAPPING_CHANGES = 4
FLAPPING_WINDOW = timedelta(days=1)
# What is retried is looked at again after this, doubling up to the regular time.
RETRY_SECONDS = 300.0
GOOD = (HealthState.HEALTHY, HealthState.DISABLED)


def record(instance: Instance, reading: Reading, began: datetime) -> None:
    """Write down one check that began at `began` by the database's clock, and what follows from it."""
    with transaction.atomic():
        health = Health.objects.select_for_update(of=("self",)).filter(pk=instance.pk).first()
        if health is None:
            return
        asked = health.asked_at is not None and health.asked_at <= began
        asker = health.asked_by if asked else None
        _write(instance, reading, asker_id=asker.pk if asker else None)
        _believe(health, instance, reading, began, is_asked=asked)
        if asked:
            health.asked_at = health.asked_by = None
        _measure(health, reading, began)
        # Somebody asked meanwhile: this check answered an older question.
        is_waiting = health.asked_at or (health.log_asked_at and health.log_asked_at > began)
        health.due_at = began if is_waiting else _next(health, began)
        health.save()


def _write(instance: Instance, reading: Reading, *, asker_id: int | None) -> None:
    HealthCheck.objects.create(
        instance=instance,
        method=reading.method,
        result=reading.state,
        problem=reading.problem[:40],
        message=reading.message,
        http_status=reading.http_status,
        request_id=reading.request_id,
        latency_ms=reading.latency_ms,
        asked_by_id=asker_id,
    )
    day = HealthDay.objects.select_for_update().get_or_create(
        instance=instance, day=today(), defaults={"state": reading.state}
    )[0]
    _add(day, reading)


def _add(day: HealthDay, reading: Reading) -> None:
    worst = worse(day.state, reading.state)
    if worst == reading.state:
        day.state, day.problem = worst, reading.problem[:40]
    day.checks += 1
    day.good += reading.state in GOOD
    if reading.latency_ms is not None and reading.http_status != 0:
        day.timed += 1
        day.latency_ms += reading.latency_ms
        day.latency_most_ms = max(day.latency_most_ms, reading.latency_ms)
    day.calls += len(reading.calls)
    day.failed_calls += sum(call.is_failed for call in reading.calls)
    day.calls_ms += sum(call.milliseconds or 0 for call in reading.calls)
    day.save()


def _believe(
    health: Health, instance: Instance, reading: Reading, began: datetime, *, is_asked: bool
) -> None:
    """
    Change the state if enough checks in a row found the same.

    One is enough for the first of all, and for what a person asked for.
    """
    if reading.sight == _sight(health):
        health.seen, health.seen_times = "", 0
        health.streak += 1
        health.problem = reading.problem[:40]
        return
    health.seen_times = health.seen_times + 1 if health.seen == reading.sight[:60] else 1
    health.seen = reading.sight[:60]
    if is_asked or health.seen_times >= _needed(health, began):
        _change(health, instance, reading, began)


def _sight(health: Health) -> str:
    return Reading(HealthState(health.state), health.problem).sight


def _needed(health: Health, began: datetime) -> int:
    if health.state == HealthState.UNKNOWN:
        return 1
    is_recent = began - health.changes_since < FLAPPING_WINDOW
    is_flapping = is_recent and health.changes >= FLAPPING_CHANGES
    return AGREEING_WHILE_FLAPPING if is_flapping else AGREEING


def _change(health: Health, instance: Instance, reading: Reading, began: datetime) -> None:
    was, health.state = health.state, reading.state
    health.problem, health.since = reading.problem[:40], began
    health.seen, health.seen_times, health.streak = "", 0, 1
    if began - health.changes_since >= FLAPPING_WINDOW:
        health.changes, health.changes_since = 0, began
    health.changes += 1
    # The first look at something good is no event, or a hundred thousand adopted ones would be.
    if was != HealthState.UNKNOWN or reading.state not in GOOD:
        audit.record(
            None,
            "health.changed",
            instance,
            state=str(reading.state),
            was=str(was),
            problem=reading.problem[:40],
        )
    _tell(instance, reading, began)


def _tell(instance: Instance, reading: Reading, began: datetime) -> None:
    """Write down that somebody has to act, or that nobody has to any more."""
    if reading.state == HealthState.ACTION_NEEDED:
        kind = NoticeKind.ACTION_NEEDED
    elif reading.state in GOOD and _was_told_of_trouble(instance):
        kind = NoticeKind.RECOVERED
    else:
        return
    key = key_of("health", instance.pk, kind, began.isoformat())
    Notice.objects.note(
        notice_of_instance(instance, kind, key, about="health", problem=reading.problem)
    )


def _was_told_of_trouble(instance: Instance) -> bool:
    told = Notice.objects.filter(instance=instance, about="health").order_by("-pk")
    return told.values_list("kind", flat=True).first() == NoticeKind.ACTION_NEEDED


def _measure(health: Health, reading: Reading, began: datetime) -> None:
    health.checked_at, health.latency_ms = began, reading.latency_ms
    if reading.state == HealthState.HEALTHY:
        health.good_at = began


def _next(health: Health, began: datetime) -> datetime | None:
    """Return when it is looked at next: soon while something is not believed yet."""
    every, confirm = settings.HEALTH["EVERY"], settings.HEALTH["CONFIRM_SECONDS"]
    if not every:
        return None
    seconds = every
    if health.seen_times:
        seconds = confirm * health.seen_times
    elif health.state == HealthState.RETRYING:
        seconds = RETRY_SECONDS * 2 ** min(health.streak - 1, 10)
    # Spread, so that what was looked at together is not for ever.
    return began + timedelta(seconds=min(seconds, every) * SystemRandom().uniform(0.9, 1.1))


def look_soon(instance: Instance) -> None:
    """Forget what is known after a change made here, and look at once; in the caller's transaction."""
    Health.objects.filter(pk=instance.pk).update(
        state=HealthState.UNKNOWN, problem="changed", seen="", seen_times=0, due_at=Now()
    )


def forget() -> None:
    """Delete what is kept long enough, some at a time."""
    kept = (
        (HealthCheck, "at", timedelta(days=settings.HEALTH["CHECK_DAYS"])),
        (HealthDay, "day", timedelta(days=settings.HEALTH["DAYS"])),
    )
    for model, column, time in kept:
        old = model.objects.filter(**{f"{column}__lt": Now() - time})
        keys = list(old.values_list("pk", flat=True)[:1000])
        if keys:
            model.objects.filter(pk__in=keys).delete()
