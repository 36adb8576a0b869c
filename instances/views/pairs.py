"""What lists tell of rotations: which part an instance or an operation has in one."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from instances import access
from instances.models import Instance, Operation, OperationKind, Rotation, RotationState
from instances.templatetags.pieces import Part

BADGES = {
    RotationState.CREATING: ("info", "refresh-cw", "Rotating: creating"),
    RotationState.PROVING: ("info", "refresh-cw", "Rotating: testing"),
    RotationState.BOTH: ("info", "refresh-cw", "Rotating: both work"),
    RotationState.LEAVING: ("warn", "refresh-cw", "Rotating: leaving"),
    RotationState.ENDED: ("off", "undo-2", "Rotation ended"),
}
HALTED = ("bad", "circle-alert", "Rotation stands still")
REMOVALS = (OperationKind.DISABLE, OperationKind.DELETE)
SHOWN = (
    *("state", "problem", "removal_id", "created_at", "old__name", "new__name"),
    *("old__organization_id", "new__organization_id"),
)


def parts_of_instances(user: User, rows: Sequence[Instance]) -> dict[UUID, Part]:
    """Return the part of each instance in its newest rotation, unless that ended without effect."""
    if not (ids := {row.pk for row in rows}):
        return {}
    rotations = list(_rotations_of(ids).exclude(state=RotationState.ENDED))
    seen = _seen(user, rotations, ids)
    return {
        pk: _part(rotation, seen, is_old=pk == rotation.old_id)
        for rotation in rotations
        for pk in (rotation.old_id, rotation.new_id)
        if pk in ids
    }


def parts_of_operations(user: User, rows: Sequence[Operation]) -> dict[UUID, Part]:
    """Return the part of each operation that a rotation asked for: a creation, or a removal."""
    if not (ids := {row.instance_id for row in rows if row.instance_id}):
        return {}
    rotations = list(_rotations_of(ids))
    seen = _seen(user, rotations, ids)
    return {
        row.pk: _part(rotation, seen, is_old=row.kind in REMOVALS)
        for row in rows
        for rotation in rotations
        if _is_of(row, rotation)
    }


def _rotations_of(ids: set[UUID]) -> QuerySet[Rotation]:
    rows = Rotation.objects.filter(Q(old__in=ids) | Q(new__in=ids))
    return rows.select_related("old", "new").only(*SHOWN).order_by("pk")


def _seen(user: User, rotations: Sequence[Rotation], ids: set[UUID]) -> set[UUID]:
    """Return which of the instances of these rotations the person may see; those listed they do."""
    both = {pk for one in rotations for pk in (one.old_id, one.new_id)}
    if not (others := both - ids):
        return ids
    return ids | set(access.visible_to(user).filter(pk__in=others).values_list("pk", flat=True))


def _is_of(row: Operation, rotation: Rotation) -> bool:
    if row.instance_id == rotation.new_id:
        return row.kind == OperationKind.CREATE
    is_late = rotation.removal_id is not None and row.pk >= rotation.removal_id
    return row.instance_id == rotation.old_id and is_late and row.kind in REMOVALS


def _part(rotation: Rotation, seen: set[UUID], *, is_old: bool) -> Part:
    other = rotation.new if is_old else rotation.old
    is_shown = other.pk in seen
    return Part(
        badge=_badge(rotation),
        words=_words(rotation, is_old=is_old),
        other=other.pk if is_shown else None,
        name=other.name if is_shown else "",
    )


def _badge(rotation: Rotation) -> tuple[str, str, str] | None:
    if rotation.problem and not rotation.is_over:
        return HALTED
    return BADGES.get(RotationState(rotation.state))


def _words(rotation: Rotation, *, is_old: bool) -> str:
    """Say what the one is to the other; an old one that stays is not replaced."""
    if not is_old:
        return "Was to replace" if rotation.state == RotationState.ENDED else "Replaces"
    if rotation.state == RotationState.DONE:
        return "Replaced by"
    return "Was to be replaced by" if rotation.is_over else "To be replaced by"
