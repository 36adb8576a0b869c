"""Who has seen a value that still works: by the record, and whether they may still see it."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Max, QuerySet

from instances import access
from instances.access import Action
from instances.models import REVEALS, AuditEntry, Instance, Organization
from instances.operations import ACCEPTED

CHANGED = "instance.token_changed"
PEOPLE_SHOWN = 10
VALUES_SHOWN = 500


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


@dataclass(frozen=True)
class Value:
    """A token that somebody was handed and that is still the instance's, and what was said to that."""

    instance: Instance
    last: datetime
    accepted: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it works and nobody accepted that it is known."""
        return not self.accepted and not self.instance.is_disabled


def values_seen(user: User, organization: Organization) -> list[Value]:
    """Return the tokens of an organization that `user` was handed and that were not replaced since."""
    entries = AuditEntry.objects.filter(organization_id=organization.pk, action__in=REVEALS)
    handed = entries.filter(actor=user).values_list("object_id").annotate(last=Max("at"))
    last = dict(handed.order_by("-last")[:VALUES_SHOWN])
    about = AuditEntry.objects.filter(object_id__in=last)
    changed = dict(about.filter(action=CHANGED).values_list("object_id").annotate(Max("at")))
    accepted = _accepted(user, about.filter(action=ACCEPTED))
    rows = Instance.objects.filter(organization=organization, pk__in=last)
    return [
        Value(one, seen, why if told_at > seen else "")
        for one in rows.order_by("name", "pk")
        for seen in [last[str(one.pk)]]
        for why, told_at in [accepted.get(str(one.pk), ("", seen))]
        if one.is_in_use and seen >= changed.get(str(one.pk), one.created_at)
    ]


def _accepted(user: User, entries: QuerySet[AuditEntry]) -> dict[str, tuple[str, datetime]]:
    """Return for which instances it was accepted that `user` knows the token: why, and when last."""
    return {
        entry.object_id: (str(entry.detail.get("reason", "")), entry.at)
        for entry in entries.order_by("pk")
        if entry.detail.get("person_id") == user.pk
    }
