"""Ask that an instance is rotated: another takes its place, and both work for a while."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit
from instances.access import Action
from instances.crash_points import reach
from instances.models import (
    FINAL,
    Instance,
    InstanceStatus,
    Operation,
    Rotation,
    RotationState,
    Share,
    database_now,
)
from instances.operations import recognition
from instances.operations.creation import RequestReusedError, request_instance
from instances.operations.lifecycle import NotChangeableError, require_changeable
from instances.operations.removal import delete_at, undo_instance_deletion

MOST_DAYS = 365
# The twin says on the platform, too, whose place it takes.
REPLACES = "replaces-{}"


class RotationChoice(StrEnum):
    """What a person may decide while an instance is being rotated."""

    FINISH = "finish"
    LONGER = "longer"
    GO_ON = "go-on"
    VOUCH = "vouch"
    UNDO = "undo"


class RotationDecidedError(Exception):
    """It is not to be decided, or not so (any more)."""


def request_instance_rotation(
    *,
    requester: User,
    old: Instance,
    name: str,
    configuration: Mapping[str, str | bool],
    tag_names: Sequence[str],
    client_request_id: UUID,
    days: float,
    heeds_environment: bool = False,
) -> Rotation:
    """
    Ask for a twin of `old` that takes its place; the same request id again returns the same rotation.

    The twin gets the owner and the shares of the old one, which is not touched before the twin has
    answered with its own token and both have worked for `days`.

    :raises NotAllowedError: the requester may not manage `old`, or not create in its organization.
    :raises NotChangeableError: something is under way with `old`, or it is being rotated already.
    :raises SwitchedOffError: its organization is switched off.
    :raises MissingEntriesError: required entries are missing.
    :raises RequestReusedError: the id was used before, for something else.
    :raises NoAddressError: an OAuth element, and the server does not know its own address.
    :raises OtherEnvironmentError: the credentials are in use at Zuora's other environment.
    """
    require_changeable(requester, old)
    access.require(requester, Action.CREATE, old.organization)
    if heeds_environment:
        # Outside of the transaction: that they were recognized stays recorded.
        recognition.refuse_other_environment(requester, old.element_key, configuration)
    with transaction.atomic():
        # Two who ask at once take turns here.
        old = Instance.objects.select_for_update(of=("self",)).get(pk=old.pk)
        is_repeated = _was_asked(requester, client_request_id)
        if not is_repeated and not may_be_rotated(old):
            raise NotChangeableError
        twin = request_instance(
            requester=requester,
            organization=old.organization,
            element_key=old.element_key,
            name=name,
            configuration=configuration,
            tag_names=[*tag_names, REPLACES.format(old.remote_id)],
            client_request_id=client_request_id,
            environment=old.environment,
        )
        if is_repeated:
            return _earlier(old, twin)
        rotation = _record(requester, old, twin, days)
    reach("rotation submitted")
    return rotation


def _was_asked(requester: User, client_request_id: UUID) -> bool:
    asked = Operation.objects.filter(requester=requester, client_request_id=client_request_id)
    return asked.exists()


def may_be_rotated(instance: Instance) -> bool:
    """Tell whether nothing that is under way keeps an instance from being rotated."""
    is_free = instance.status == InstanceStatus.ACTIVE and delete_at(instance) is None
    return is_free and not Rotation.objects.open().of(instance).exists()


def _earlier(old: Instance, twin: Instance) -> Rotation:
    rotation = Rotation.objects.filter(old=old, new=twin).first()
    if rotation is None:
        raise RequestReusedError(twin)
    return rotation


def _record(requester: User, old: Instance, twin: Instance, days: float) -> Rotation:
    rotation = Rotation.objects.create(
        old=old, new=twin, organization=old.organization, requester=requester, days=days
    )
    Instance.objects.filter(pk=twin.pk).update(owner=old.owner)
    for share in Share.objects.current().filter(instance=old).select_related("user", "team"):
        _take_over(requester, share, twin)
    _audit(requester, "rotation.requested", rotation, days=days)
    return rotation


def _take_over(requester: User, share: Share, twin: Instance) -> None:
    """Share the twin as the old one is shared: with the same, as far, until the same day."""
    until = share.expires_at.isoformat() if share.expires_at else ""
    audit.record(
        requester,
        "instance.shared",
        twin,
        recipient=share.recipient,
        level=share.level,
        until=until,
    )
    Share.objects.create(
        instance=twin,
        user=share.user,
        team=share.team,
        level=share.level,
        expires_at=share.expires_at,
        granted_by=share.granted_by,
    )


def rotation_of(instance: Instance) -> Rotation | None:
    """Return the newest rotation of an instance, of which it is the old one or the new one."""
    rows = Rotation.objects.of(instance).select_related("old", "new", "requester")
    return rows.order_by("-pk").first()


def rotation_choices(rotation: Rotation) -> tuple[RotationChoice, ...]:
    """Return what may be decided about a rotation as it stands."""
    if rotation.is_over:
        return ()
    choices = [RotationChoice.UNDO]
    if rotation.state == RotationState.BOTH:
        choices = [RotationChoice.FINISH, RotationChoice.LONGER, *choices]
    if rotation.problem in ("permission", "restored", "kept") or (
        rotation.state == RotationState.PROVING and rotation.problem
    ):
        choices = [RotationChoice.GO_ON, *choices]
    if rotation.problem == "untestable":
        choices = [RotationChoice.VOUCH, *choices]
    return tuple(choices)


def decide_rotation(
    *,
    actor: User,
    rotation: Rotation,
    choice: RotationChoice,
    days: float = 0.0,
) -> Rotation:
    """
    Decide how a rotation goes on; what follows is done in the actor's name.

    `days` is for how much longer both shall work.

    :raises NotAllowedError: the actor may not manage both instances.
    :raises RotationDecidedError: it stands elsewhere by now, and cannot be decided so.
    :raises TooLateError: the deletion of the old one has begun.
    """
    for one in (rotation.old, rotation.new):
        access.require(actor, Action.MANAGE, one)
    with transaction.atomic():
        rows = Rotation.objects.open().select_related("old__organization", "new")
        held = rows.select_for_update(of=("self",)).filter(pk=rotation.pk).first()
        if held is None or choice not in rotation_choices(held):
            raise RotationDecidedError
        held.requester = actor
        held.problem = held.message = ""
        held.usage_asked_at = None
        held.look_at = database_now()
        _audit(actor, f"rotation.{choice.replace('-', '_')}", held)
        _apply(held, actor, choice, days)
        held.save()
    reach("rotation decided")
    return held


def _apply(rotation: Rotation, actor: User, choice: RotationChoice, days: float) -> None:
    now = database_now()
    if choice == RotationChoice.UNDO:
        _undo(rotation, actor)
    elif choice == RotationChoice.LONGER:
        rotation.both_until = max(rotation.both_until or now, now) + timedelta(days=days)
        rotation.is_hurried = False
    elif choice == RotationChoice.VOUCH:
        rotation.is_vouched = True
    elif choice == RotationChoice.FINISH:
        rotation.both_until, rotation.is_hurried = now, True
    elif rotation.state == RotationState.LEAVING:
        # The old one is still there: its removal is asked for once more.
        rotation.state, rotation.both_until, rotation.is_hurried = RotationState.BOTH, now, True
    elif rotation.state == RotationState.PROVING:
        rotation.since = now


def _undo(rotation: Rotation, actor: User) -> None:
    """Let the old one stay; the twin stays too, until somebody deletes it."""
    if rotation.state == RotationState.LEAVING and delete_at(rotation.old):
        undo_instance_deletion(actor=actor, instance=rotation.old)
    elif rotation.state == RotationState.LEAVING and _is_removal_open(rotation):
        raise RotationDecidedError
    rotation.state, rotation.finished_at = RotationState.ENDED, database_now()
    rotation.since = rotation.finished_at
    rotation.message = f"{actor.get_username()} undid it. The old one stays."


def _is_removal_open(rotation: Rotation) -> bool:
    """Tell whether the disabling or the deletion of the old one is under way, or waits for somebody."""
    newer = rotation.old.operations.filter(pk__gte=rotation.removal_id)
    return newer.exclude(state__in=FINAL).exists()


def _audit(actor: User, action: str, rotation: Rotation, **detail: Any) -> None:
    """Write it into the record of both."""
    audit.record(actor, action, rotation.old, new=str(rotation.new_id), **detail)
    audit.record(actor, action, rotation.new, old=str(rotation.old_id), **detail)
