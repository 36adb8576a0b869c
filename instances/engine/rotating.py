"""Take rotations a step further: each leaves its place only by what other rows prove."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances import access, audit
from instances.access import Action
from instances.crash_points import reach
from instances.engine import proving
from instances.models import (
    FINAL,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationState,
    Rotation,
    RotationState,
    ask_removal,
    database_now,
)

logger = structlog.get_logger(__name__)

STEPS_A_SWEEP = 100
# While both work there is nothing to see to for days; anything else is about to go on.
PAUSE, HALTED_PAUSE, LONG_PAUSE = timedelta(seconds=2), timedelta(minutes=1), timedelta(minutes=5)
# What only a person lifts.
FOR_A_PERSON = "restored"
# Where an operation stands that goes on by itself, or not, but not at once.
STANDS = {
    OperationState.NEEDS_PERSON: "It takes a person to decide",
    OperationState.UNKNOWN: "Its outcome is unknown, and is looked up",
    OperationState.BLOCKED: "It waits for the organization's secrets",
}
GONE = (InstanceStatus.DELETING, InstanceStatus.DELETED)


def run() -> None:
    """Take those a step further whose time has come; several workers may do so at once."""
    due = Rotation.objects.open().filter(look_at__lte=Now()).order_by("look_at")
    for pk in list(due.values_list("pk", flat=True)[:STEPS_A_SWEEP]):
        step(Rotation(pk=pk))


def step(rotation: Rotation) -> None:
    """
    Take one rotation as far as the rows allow, in one transaction; safe to run twice, late or never.

    Two who try at once take turns: the second finds what the first has written.
    """
    with transaction.atomic():
        rows = Rotation.objects.open().select_related("old__organization", "new", "requester")
        held = rows.select_for_update(of=("self",)).filter(pk=rotation.pk).first()
        if held is None:
            return
        if held.old.status == InstanceStatus.DELETED:
            _end(held, "The old one is deleted.", RotationState.DONE)
        elif held.problem != FOR_A_PERSON:
            STEPS[RotationState(held.state)](held)
        reach("rotation asked")
        held.look_at = _look_at(held)
        held.save()
    reach("rotation stepped")


def _look_at(rotation: Rotation) -> datetime:
    now, until = database_now(), rotation.both_until
    if rotation.problem:
        return now + (PAUSE if _is_looked_up(rotation) else HALTED_PAUSE)
    if rotation.state == RotationState.BOTH and until and until > now:
        return min(now + LONG_PAUSE, until)
    return now + PAUSE


def _is_looked_up(rotation: Rotation) -> bool:
    """Tell whether what holds it up is found out by itself, mostly within seconds."""
    about = Operation.objects.filter(instance__in=(rotation.old_id, rotation.new_id))
    return about.filter(state=OperationState.UNKNOWN).exists()


def _creating(rotation: Rotation) -> None:
    """Wait for the new one, which is created like any other."""
    creation = rotation.new.operations.filter(kind=OperationKind.CREATE).get()
    if creation.state == OperationState.SUCCEEDED:
        _clear(rotation)
        _go(rotation, RotationState.PROVING)
    elif creation.state in FINAL:
        _end(rotation, f"The new one was not created. {creation.message}")
    elif stands := STANDS.get(OperationState(creation.state)):
        _halt(rotation, "creation", f"Creating the new one stands still. {stands}.")
    else:
        _clear(rotation)


def _proving(rotation: Rotation) -> None:
    """Go on once the new one has answered with its own token."""
    if _may_go_on(rotation) and _is_proven(rotation, rotation.since):
        _clear(rotation)
        _go(rotation, RotationState.BOTH)
        rotation.both_until = database_now() + timedelta(days=rotation.days)
        _record(rotation, "rotation.proven", until=rotation.both_until.isoformat())


def _both(rotation: Rotation) -> None:
    """Keep both until the day; then ask that the old one is disabled, and deleted later."""
    now, until = database_now(), rotation.both_until or database_now()
    if not _may_go_on(rotation):
        return
    if until > now:
        if _is_usable(rotation):
            _clear(rotation)
    elif _is_proven(rotation, until - proving.FRESH) and _is_quiet(rotation, until, now):
        _retire(rotation)


def _retire(rotation: Rotation) -> None:
    """Ask for the removal of the old one, by the way on which everything is deleted."""
    old = rotation.old
    if not old.organization.is_active:
        _halt(rotation, "organization", "The organization is switched off: nothing is sent for it.")
        return
    reason = f"Rotated: “{rotation.new.name}” takes its place."[:300]
    removal = ask_removal(rotation.requester, old, reason)
    if removal is None:
        _halt(rotation, "busy", "Something else is under way with the old one.")
        return
    if removal.kind == OperationKind.DISABLE:
        audit.record(rotation.requester, "disable.requested", old, reason=reason)
    _clear(rotation)
    _go(rotation, RotationState.LEAVING)
    rotation.removal = removal
    _record(rotation, "rotation.leaving")


def _leaving(rotation: Rotation) -> None:
    """Follow the removal of the old one to its end."""
    since = rotation.old.operations.filter(pk__gte=rotation.removal_id).order_by("-pk")
    newest = since.first()
    if since.filter(kind=OperationKind.DELETE, state=OperationState.CANCELED).exists():
        _end(rotation, "The deletion of the old one was undone.")
    elif newest is None or newest.state in FINAL:
        _halt(rotation, "kept", f"The old one is still there. {newest.message if newest else ''}")
    elif stands := STANDS.get(OperationState(newest.state)):
        _halt(rotation, "removal", f"{newest.get_kind_display()} of the old one: {stands}.")
    else:
        _clear(rotation)


def _may_go_on(rotation: Rotation) -> bool:
    """Tell whether there is still something to exchange, and whoever asked for it still may."""
    if rotation.new.status in GONE:
        _end(rotation, "The new one is deleted.")
        return False
    both = (rotation.old, rotation.new)
    if all(access.can(rotation.requester, Action.MANAGE, one) for one in both):
        return True
    who = rotation.requester.get_username()
    _halt(rotation, "permission", f"{who} may no longer manage both, so nothing more is done.")
    return False


def _is_usable(rotation: Rotation) -> bool:
    """Tell whether the new one can be used; what it goes through right now is waited for."""
    why = proving.why_unusable(rotation.new)
    if why:
        _halt(rotation, "unusable", why)
    return not why


def _is_proven(rotation: Rotation, since: datetime) -> bool:
    """Tell whether it has answered with its own token since then, and nothing bad was seen later."""
    if not _is_usable(rotation):
        return False
    is_proven, why = proving.proof(
        rotation.new, since, rotation.requester, is_vouched=rotation.is_vouched
    )
    if why:
        _halt(rotation, "untestable" if why == proving.UNTESTABLE else "unproven", why)
    return is_proven


def _is_quiet(rotation: Rotation, until: datetime, now: datetime) -> bool:
    """Tell whether nobody calls the old one any more, by the platform's usage, read afresh."""
    hours = settings.ENGINE["QUIET_HOURS"]
    if rotation.is_hurried or not hours or rotation.old.is_disabled:
        return True
    if rotation.usage_asked_at is None or rotation.usage_asked_at < now - proving.FRESH:
        rotation.usage_asked_at = now
        proving.ask_usage(rotation.old)
        return False
    if proving.is_usage_awaited(rotation.old):
        return False
    since = max(rotation.since, now - timedelta(hours=hours))
    last = proving.last_call(rotation.old, since)
    if last is not None:
        when = f"{last:%-d %B %Y, %H:%M} UTC"
        _halt(rotation, "calls", f"The old one still takes calls, the last one on {when}.")
    return last is None


def _go(rotation: Rotation, state: RotationState) -> None:
    rotation.state = state
    rotation.since = database_now()
    rotation.usage_asked_at = None


def _clear(rotation: Rotation) -> None:
    rotation.problem = rotation.message = ""


def _halt(rotation: Rotation, problem: str, message: str) -> None:
    """Say what holds it up; the record gets it once."""
    if rotation.problem != problem:
        _record(rotation, "rotation.halted", problem=problem)
    rotation.problem, rotation.message = problem, message.strip()[:600]


def _end(rotation: Rotation, message: str, state: RotationState = RotationState.ENDED) -> None:
    _clear(rotation)
    _go(rotation, state)
    rotation.finished_at, rotation.message = rotation.since, message.strip()[:600]
    over = "rotation.done" if state == RotationState.DONE else "rotation.ended"
    _record(rotation, over)


def _record(rotation: Rotation, action: str, **detail: Any) -> None:
    """Write it into the record of both."""
    audit.record(None, action, rotation.old, new=str(rotation.new_id), **detail)
    audit.record(None, action, rotation.new, old=str(rotation.old_id), **detail)


STEPS = {
    RotationState.CREATING: _creating,
    RotationState.PROVING: _proving,
    RotationState.BOTH: _both,
    RotationState.LEAVING: _leaving,
}
