"""Hand out an element token, after the record of it."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit, vault
from instances.access import Action
from instances.models import Instance
from instances.operations.lifecycle import REASON_LENGTH, ReasonNeededError
from instances.secret import Secret


class NoTokenError(Exception):
    """The instance has no token (yet)."""


def reveal_token(
    *, actor: User, instance: Instance, is_copied: bool = False, reason: str = ""
) -> Secret:
    """
    Hand out the element token, after the audit entry about it is committed.

    :raises NotAllowedError: the actor may not use this instance.
    :raises NoTokenError: there is none.
    :raises ReasonNeededError: the organization asks for a reason, and none is given.
    :raises UnreadableError: the stored value does not open.
    """
    access.require(actor, Action.USE, instance)
    if not instance.is_in_use:
        raise NoTokenError
    # No database takes NUL.
    reason = reason.replace("\0", "").strip()[:REASON_LENGTH]
    if instance.organization.asks_reason and not reason:
        raise ReasonNeededError
    said: dict[str, Any] = {"reason": reason} if reason else {}
    with transaction.atomic():
        audit.record(actor, "token.copied" if is_copied else "token.revealed", instance, **said)
    return vault.open_sealed(instance, "token", purpose=vault.Purpose.SHOW)
