"""What a person was allowed when they did something: in words, for the record."""

import threading
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, Q

from instances.models import Instance, Membership, Organization, Share, ShareLevel

LEVELS = list(ShareLevel)
_of_request = threading.local()


def rights_of(actor: User, target: Model, request_id: str) -> str:
    """Return the rights of `actor` to `target` in words; a role is read once for a request."""
    organization = target.pk if isinstance(target, Organization) else _home(target)
    role = _role(actor, organization, request_id) if organization else ""
    words = ["superuser"] if actor.is_superuser else ["staff"] if actor.is_staff else []
    words += [role] if role else []
    if isinstance(target, Instance):
        words += ["owner"] if role and target.owner_id == actor.pk else []
        words += _shared(actor, target) if not role else []
    return ", ".join(words) or "none"


def _home(target: Model) -> UUID | None:
    home: UUID | None = getattr(target, "organization_id", None)
    return home


def _role(actor: User, organization: UUID, request_id: str) -> str:
    if getattr(_of_request, "id", None) != request_id:
        _of_request.id, _of_request.roles = request_id, {}
    known: dict[Any, str] = _of_request.roles
    asked = actor.pk, organization
    if asked not in known:
        rows = Membership.objects.filter(user=actor, organization=organization)
        known[asked] = rows.values_list("role", flat=True).first() or ""
    return known[asked]


def _shared(actor: User, instance: Instance) -> list[str]:
    with_them = Q(user=actor) | Q(team__members=actor)
    rows = Share.objects.current().filter(with_them, instance=instance)
    levels = [ShareLevel(level) for level in rows.values_list("level", flat=True)]
    return [f"share to {max(levels, key=LEVELS.index)}"] if levels else []
