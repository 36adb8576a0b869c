"""Hand out an element token, after the record of it."""

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit, vault
from instances.access import Action
from instances.models import Instance
from instances.secret import Secret


class NoTokenError(Exception):
    """The instance has no token (yet)."""


def reveal_token(*, actor: User, instance: Instance, is_copied: bool = False) -> Secret:
    """
    Hand out the element token, after the audit entry about it is committed.

    :raises NotAllowedError: the actor may not use this instance.
    :raises NoTokenError: there is none.
    :raises UnreadableError: the stored value does not open.
    """
    access.require(actor, Action.USE, instance)
    if not instance.is_in_use:
        raise NoTokenError
    with transaction.atomic():
        audit.record(actor, "token.copied" if is_copied else "token.revealed", instance)
    return vault.open_sealed(instance, "token", purpose=vault.Purpose.SHOW)
