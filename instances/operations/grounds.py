"""What shares rest on: each counts while whoever gave it manages the instance by something else."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from instances import access, audit
from instances.models import Instance, Share, ShareLevel, Team

NEVER = datetime.max.replace(tzinfo=UTC)
Given = dict[UUID, list[Share]]


@contextmanager
def resting(
    actor: User | None, instances: Collection[UUID], by: str = audit.WORKER
) -> Iterator[None]:
    """
    End those shares of these instances that the deed inside takes the ground from; shorten others.

    In a transaction. What rested on nothing before stays as it is: it is not this deed's to end.
    """
    before = _baseless(instances)
    yield
    for share, end in _baseless(instances).values():
        if share.pk in before and before[share.pk][1] == end:
            continue
        if end is None:
            _end(actor, share, by)
        else:
            _shorten(actor, share, end, by)


def _end(actor: User | None, share: Share, by: str) -> None:
    why = f"{share.granted_by} does not manage it any more"
    facts: dict[str, Any] = {"recipient": share.recipient, "level": share.level, "because": why}
    audit.record(actor, "share.removed", share.instance, by=by, **facts)
    share.delete()


def _shorten(actor: User | None, share: Share, end: datetime, by: str) -> None:
    facts: dict[str, Any] = {
        "recipient": share.recipient,
        "level": share.level,
        "until": end.isoformat(),
    }
    audit.record(actor, "share.changed", share.instance, by=by, **facts)
    Share.objects.filter(pk=share.pk).update(expires_at=end)


def _baseless(instances: Collection[UUID]) -> dict[UUID, tuple[Share, datetime | None]]:
    """Return the shares that outlast what they rest on, and when that ends; None: there is nothing."""
    given = _given(instances)
    rows = Instance.objects.filter(pk__in=given)
    roots = access.managers_by_role(list(rows))
    teams = _people_of({share.team_id for shares in given.values() for share in shares})
    found = {}
    for instance, shares in given.items():
        until = _managing_until(shares, roots.get(instance, set()), teams)
        for share in shares:
            end = until.get(share.granted_by_id)
            if end is None or end < (share.expires_at or NEVER):
                found[share.pk] = share, end
    return found


def _given(instances: Collection[UUID]) -> Given:
    given: Given = defaultdict(list)
    rows = Share.objects.current().filter(instance__in=instances).order_by("pk")
    for share in rows.select_related("instance", "user", "team", "granted_by"):
        given[share.instance_id].append(share)
    return given


def _people_of(teams: set[int | None]) -> dict[int, list[int]]:
    people: dict[int, list[int]] = defaultdict(list)
    rows = Team.members.through.objects.filter(team__in=teams - {None})
    for team, user in rows.values_list("team", "user"):
        people[team].append(user)
    return people


def _managing_until(
    shares: list[Share], roots: set[int], teams: dict[int, list[int]]
) -> dict[int, datetime]:
    """Return until when each manages: from the roots on, so that no two hold each other up."""
    until = dict.fromkeys(roots, NEVER)
    managing = [share for share in shares if share.level == ShareLevel.MANAGE]
    is_new = True
    while is_new:
        is_new = False
        for share in managing:
            ground = until.get(share.granted_by_id)
            if ground is None:
                continue
            end = min(share.expires_at or NEVER, ground)
            for person in _recipients(share, teams):
                if end > until.get(person, end.min.replace(tzinfo=UTC)):
                    until[person], is_new = end, True
    return until


def _recipients(share: Share, teams: dict[int, list[int]]) -> list[int]:
    if share.user_id is not None:
        return [share.user_id]
    return teams.get(share.team_id or 0, [])
