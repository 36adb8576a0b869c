"""Who has seen a value that still works: by the record, and whether they may still see it."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Max

from instances import access
from instances.access import Action
from instances.models import AuditEntry, Instance

REVEALS = ("token.revealed", "token.copied")
CHANGED = "instance.token_changed"
PEOPLE_SHOWN = 10


@dataclass(frozen=True)
class Sight:
    """Somebody who was handed the present token, how often, and when last."""

    name: str
    times: int
    last: datetime
    may_still: bool


def seen_by(instance: Instance) -> list[Sight]:
    """Return who was handed the token that works now, the latest first."""
    entries = AuditEntry.objects.filter(object_id=str(instance.pk))
    changed = entries.filter(action=CHANGED).aggregate(at=Max("at"))["at"]
    handed = entries.filter(action__in=REVEALS, at__gte=changed or instance.created_at)
    people = handed.values("actor", "actor_name").annotate(last=Max("at"), times=Count("pk"))
    rows = list(people.order_by("-last")[:PEOPLE_SHOWN])
    users = User.objects.in_bulk([row["actor"] for row in rows if row["actor"]])
    return [
        Sight(row["actor_name"], row["times"], row["last"], _may(users.get(row["actor"]), instance))
        for row in rows
    ]


def _may(user: User | None, instance: Instance) -> bool:
    return user is not None and access.can(user, Action.USE, instance)
