"""Ask for a change of an instance that exists: one at a time, by whoever manages it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit, tasks
from instances.access import Action
from instances.crash_points import reach
from instances.models import Instance, Operation, OperationKind, OperationState, ask_change_now
from instances.operations.creation import seal_credentials

REASON_LENGTH = 300


class ReasonNeededError(Exception):
    """A reason is kept with this change, and none was given."""


class NotChangeableError(Exception):
    """Something is under way with the instance, or it is not on the platform (any more)."""


class SwitchedOffError(Exception):
    """The organization is switched off: nothing is sent for it."""


def request_instance_switch(
    *,
    requester: User,
    instance: Instance,
    is_to_be_disabled: bool,
    reason: str,
    follow_up: Mapping[str, object] | None = None,
) -> Operation:
    """
    Ask that the instance takes no calls, or takes them again.

    The reason is shown on its page for as long as it is disabled. `follow_up` is what the worker does
    when that has ended, for a line of the platform's list (engine/pushing).

    :raises NotAllowedError: the requester may not manage the instance.
    :raises ReasonNeededError: no reason was given.
    :raises NotChangeableError: something else is under way with it.
    :raises SwitchedOffError: its organization is switched off.
    """
    require_changeable(requester, instance)
    if not reason.strip():
        raise ReasonNeededError
    kind = OperationKind.DISABLE if is_to_be_disabled else OperationKind.ENABLE
    with transaction.atomic():
        asked = {"reason": reason.strip()[:REASON_LENGTH]} | dict(follow_up or {})
        return ask(kind, requester, instance, asked)


def disabling_of(instance: Instance) -> Operation | None:
    """Return the operation that disabled `instance`, which says why; None if it was not one here."""
    if not instance.is_disabled:
        return None
    switched = instance.operations.filter(
        kind__in=(OperationKind.DISABLE, OperationKind.ENABLE), state=OperationState.SUCCEEDED
    )
    last = switched.select_related("requester").order_by("-pk").first()
    return last if last and last.kind == OperationKind.DISABLE else None


def require_changeable(requester: User, instance: Instance) -> None:
    """
    Go on only if the requester may manage the instance, and its organization takes work.

    :raises NotAllowedError: they may not.
    :raises SwitchedOffError: it does not.
    """
    access.require(requester, Action.MANAGE, instance)
    if not instance.organization.is_active:
        raise SwitchedOffError


def ask(
    kind: OperationKind,
    requester: User,
    instance: Instance,
    asked: Mapping[str, object],
    configuration: Mapping[str, str | bool] | None = None,
) -> Operation:
    """
    Record the wish for a change and ring the doorbell after the caller's transaction.

    `asked` is what the worker needs besides the kind; nothing in it may be secret. `configuration`
    is what is sent, which is sealed and erased when the operation is final.

    :raises NotChangeableError: the instance is not active: something else is under way with it.
    """
    operation = ask_change_now(kind, requester, instance, asked, configuration or ())
    if operation is None:
        raise NotChangeableError
    if configuration:
        seal_credentials(operation, configuration)
    told: dict[str, Any] = {name: asked[name] for name in ("reason", "changes") if asked.get(name)}
    told |= {"keys": list(configuration)} if configuration else {}
    audit.record(requester, f"{kind}.requested", instance, **told)
    transaction.on_commit(partial(tasks.ring, operation.pk))
    reach("change submitted")
    return operation
