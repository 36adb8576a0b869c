"""Rights in words: why somebody sees an instance, and as what they did something."""

import threading
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from instances.access import shares_with
from instances.models import Instance, Membership, Organization, Share, ShareLevel

LEVEL_ORDER = list(ShareLevel)
_of_request = threading.local()


def why(user: User, instance: Instance) -> str:
    """Return one sentence that tells `user` why they may see `instance`."""
    role = _role(user, instance.organization_id)
    if role:
        is_owner = " and asked for it" if instance.owner_id == user.pk else ""
        return (
            f"You see this because you are {_article(role)} of {instance.organization}{is_owner}."
        )
    best = _best(shares_with(user).filter(instance=instance).select_related("team", "granted_by"))
    if best is None:
        return "What let you see this has just ended."
    through = f" with your team {best.team}" if best.team else ""
    until = f" until {best.expires_at:%-d %B %Y}" if best.expires_at else ""
    return f"You see this because {best.granted_by} shared it{through} ({best.level}){until}."


def as_what(actor: User, target: Model, request_id: str) -> str:
    """Return the rights of `actor` to `target` in short; a role is read once for a request."""
    organization = target.pk if isinstance(target, Organization) else _home(target)
    role = _role_in_request(actor, organization, request_id) if organization else ""
    words = ["superuser"] if actor.is_superuser else ["staff"] if actor.is_staff else []
    words += [role] if role else []
    if isinstance(target, Instance):
        words += ["owner"] if role and target.owner_id == actor.pk else []
        words += [] if role else _share(actor, target)
    return ", ".join(words) or "none"


def _home(target: Model) -> UUID | None:
    home: UUID | None = getattr(target, "organization_id", None)
    return home


def _role_in_request(actor: User, organization: UUID, request_id: str) -> str:
    # One request may be about hundreds of instances.
    if getattr(_of_request, "id", None) != request_id:
        _of_request.id, _of_request.roles = request_id, {}
    known: dict[Any, str] = _of_request.roles
    if (actor.pk, organization) not in known:
        known[actor.pk, organization] = _role(actor, organization)
    return known[actor.pk, organization]


def _role(user: User, organization: UUID) -> str:
    rows = Membership.objects.filter(user=user, organization=organization)
    return rows.values_list("role", flat=True).first() or ""


def _share(actor: User, instance: Instance) -> list[str]:
    best = _best(shares_with(actor).filter(instance=instance))
    return [f"share to {best.level}"] if best else []


def _best(shares: QuerySet[Share]) -> Share | None:
    return max(shares, key=lambda share: LEVEL_ORDER.index(ShareLevel(share.level)), default=None)


def _article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
