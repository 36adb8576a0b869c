"""How a rotation stands, for the pages of both instances and for what needs somebody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Max, QuerySet
from django.utils import timezone

from instances import access, operations, prepared
from instances.access import Action
from instances.models import (
    REVEALS,
    AuditEntry,
    Instance,
    InstanceStatus,
    LogKind,
    PlatformEntry,
    Rotation,
    RotationState,
)
from instances.models.walk import Span, newest
from instances.reach import Reach

PEOPLE_SHOWN = 20
# So many lines of the platform's usage are looked at for the newest call.
CALLS_WITHIN = timedelta(days=30)
QUICK = (RotationState.CREATING, RotationState.PROVING)
WORDS = {
    "finish": "Finish now",
    "longer": "Keep both longer",
    "go-on": "Go on",
    "vouch": "I tried it: it works",
    "undo": "Undo: keep the old one",
}


@dataclass(frozen=True)
class Laggard:
    """Somebody who has seen the old token and not the new one."""

    name: str
    at: datetime


@dataclass(frozen=True)
class Exchange:
    """A rotation, seen from one of its two instances by one person."""

    rotation: Rotation
    is_old: bool
    # The instance at the other end, if the person may see it.
    other: Instance | None
    laggards: list[Laggard]
    last_call: datetime | None
    choices: list[tuple[str, str]]

    @property
    def pace(self) -> str:
        """How often its page asks how it stands, as htmx writes it; "" for never."""
        return "2s" if self.rotation.state in QUICK and not self.rotation.problem else ""

    @property
    def awaits_consent(self) -> bool:
        """Whether the new one waits for somebody to allow it at its provider."""
        is_waiting = self.rotation.new.status == InstanceStatus.BLOCKED
        return is_waiting and self.rotation.state == RotationState.CREATING

    @property
    def is_open(self) -> bool:
        """Whether it is not at its end."""
        return not self.rotation.is_over

    @property
    def is_ahead(self) -> bool:
        """Whether the day on which the old one is disabled is still to come."""
        until = self.rotation.both_until
        return until is not None and until > timezone.now()


def exchange(user: User, instance: Instance) -> Exchange | None:
    """Return how the newest rotation of an instance stands, if it had one that is still of interest."""
    rotation = operations.rotation_of(instance)
    if rotation is None:
        return None
    is_old = rotation.old_id == instance.pk
    other = rotation.new if is_old else rotation.old
    is_seen = access.visible_to(user).filter(pk=other.pk).exists()
    is_open = is_seen and not rotation.is_over
    has_two = is_open and rotation.state == RotationState.BOTH
    return Exchange(
        rotation=rotation,
        is_old=is_old,
        other=other if is_seen else None,
        laggards=_laggards(rotation) if has_two else [],
        last_call=_last_call(rotation.old) if has_two else None,
        choices=_choices(user, rotation) if is_open else [],
    )


def _choices(user: User, rotation: Rotation) -> list[tuple[str, str]]:
    both = (rotation.old, rotation.new)
    if not all(access.can(user, Action.MANAGE, one) for one in both):
        return []
    return [(one.value, WORDS[one.value]) for one in operations.rotation_choices(rotation)]


def _laggards(rotation: Rotation) -> list[Laggard]:
    """Return who has seen the old token and not the new one, by the record, the latest first."""
    seen = AuditEntry.objects.filter(action__in=REVEALS, actor__isnull=False)
    moved = seen.filter(object_id=str(rotation.new_id)).values("actor")
    still = seen.filter(object_id=str(rotation.old_id)).exclude(actor__in=moved)
    rows = still.values("actor", "actor__username").annotate(last=Max("at")).order_by("-last")
    return [Laggard(row["actor__username"], row["last"]) for row in rows[:PEOPLE_SHOWN]]


def _last_call(old: Instance) -> datetime | None:
    """Return when the platform saw the old one called last, as far as that was read."""
    since = timezone.now() - CALLS_WITHIN
    calls = PlatformEntry.objects.filter(instance=old, kind=LogKind.CALL, at__gte=since)
    return calls.order_by("-at").values_list("at", flat=True).first()


def standing_still(reach: Reach, limit: int) -> list[Rotation]:
    """Return the newest rotations that something holds up, of instances that the person manages."""
    return newest(prepared.walks(Reach.halted, reach), Span(limit), _with_names)


def _with_names(rows: QuerySet[Rotation]) -> QuerySet[Rotation]:
    return rows.select_related("old__organization", "new")
