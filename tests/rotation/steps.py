"""An instance is rotated: a twin beside it, both for a while, then the old one leaves; stops are said: what its tests share."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from instances.engine import health, rotating
from instances.models import (
    Instance,
    Organization,
    Rotation,
    RotationState,
    database_now,
)
from instances.operations import (
    RotationChoice,
    decide_rotation,
)
from sandbox.running import Account
from tests.cases import read

R = RotationState

Ask = Callable[..., Instance]


Rotate = Callable[..., Rotation]


def forward(rotation: Rotation) -> Rotation:
    """Take a step, as a worker does, and read what came of it."""
    rotating.step(rotation)
    return Rotation.objects.select_related("old", "new", "requester").get(pk=rotation.pk)


def look(organization: Organization) -> None:
    """Make the checks and read the logs that were asked for."""
    health.run(organization)


def prove(rotation: Rotation) -> Rotation:
    """Have the new one tested, and see what that proves."""
    rotation = forward(rotation)
    look(rotation.organization)
    return forward(rotation)


def bring_the_day(rotation: Rotation) -> None:
    Rotation.objects.filter(pk=rotation.pk).update(both_until=database_now())


def come_to_an_end(rotation: Rotation) -> Rotation:
    """Let the day come, the usage be read, and the old one be asked to leave."""
    bring_the_day(rotation)
    return prove(rotation)


def show_valid(account: Account, instance: Instance, *, is_valid: bool) -> None:
    """Have the platform say whether an instance is valid."""
    assert instance.remote_id
    account.change_instance(instance.remote_id, valid=is_valid)


def changes_of(account: Account) -> list[str]:
    """Return what was sent that changes something, after both were made."""
    changed = [entry for entry in account.ledger() if entry.method in ("DELETE", "PUT", "PATCH")]
    return [f"{entry.method} {entry.path.rpartition('/')[2]}" for entry in changed]


def is_untouched(rotation: Rotation) -> bool:
    """Tell whether the old one is as it was."""
    old = read(rotation.old)
    return (old.status, old.is_disabled, old.operations.count()) == ("active", False, 1)


def undo(rotation: Rotation, actor: User) -> Any:
    return decide_rotation(actor=actor, rotation=rotation, choice=RotationChoice.UNDO)
