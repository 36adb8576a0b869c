"""Tokens that somebody has seen and that still work: what is to become of them."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit
from instances.access import Action
from instances.models import Instance
from instances.operations.lifecycle import ReasonNeededError

ACCEPTED = "token.sight_accepted"


def accept_sighting(*, actor: User, instance: Instance, user: User, reason: str) -> None:
    """
    Leave a token as it is although a person has seen it, and say why; until they see it again.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises ReasonNeededError: no reason is given.
    """
    access.require(actor, Action.ADMINISTER, instance.organization)
    if not reason.strip():
        raise ReasonNeededError
    with transaction.atomic():
        facts: dict[str, Any] = {
            "person": user.get_username(),
            "person_id": user.pk,
            "reason": reason.strip(),
        }
        audit.record(actor, ACCEPTED, instance, **facts)
