"""What one person may see and decide about, as index walks: one for each reason why."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, When
from django.db.models.functions import Now

from instances.access import ROLE_ALLOWS, Action
from instances.models import (
    FINAL,
    Finding,
    Health,
    HealthState,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationState,
    Organization,
    Role,
    Rotation,
    Share,
    ShareLevel,
    Team,
    shown_health,
)
from instances.models.walk import Walk
from instances.models.written import Statement, write

SHARE_IS_CURRENT = Q(shares__expires_at__isnull=True) | Q(shares__expires_at__gt=Now())
BY_SHARE, BY_TAG = "shares__instance", "tags__instance"
# Stands for a person in a statement that was written before.
NOBODY = -1
# Column and key of the walk along what checks found.
BY_HEALTH = ("health__organization", "health__instance")
# What all instances of an organization show, in the order of Place.
IMPOSING = (shown_health.HALTED, shown_health.PAUSED)
# An organization that is held up is said by itself, not by its instances.
_BROKEN = Health.objects.filter(
    state=HealthState.ACTION_NEEDED,
    instance__status=InstanceStatus.ACTIVE,
    checked_at__isnull=False,
    organization__secrets_refused_at__isnull=True,
    organization__is_active=True,
)
Row = TypeVar("Row", bound=Model)


class Place(NamedTuple):
    """An organization that a person belongs to, and as what."""

    organization_id: UUID
    role: str
    name: str
    # Nothing is sent for it, or its calls wait: that is then what all its instances show.
    is_halted: bool = False
    is_paused: bool = False


@dataclass(frozen=True)
class Reach:
    """A person's organizations, with their role, and teams, as they were read."""

    user: User
    places: tuple[Place, ...]
    teams: tuple[int, ...]
    # What was looked at before proves nothing any more; None: it does, however old it is.
    proven_since: datetime | None = None

    def organizations(self, action: Action = Action.VIEW) -> list[UUID]:
        """Return the organizations in which the person's role allows `action`."""
        return [one.organization_id for one in self.places if action in ROLE_ALLOWS[Role(one.role)]]

    def organization_rows(self) -> QuerySet[Organization]:
        """Return the organizations that the person belongs to, by name."""
        return Organization.objects.filter(pk__in=self.organizations()).order_by("name")

    def within(self, organization: str | None) -> "Reach":
        """Return the part that belongs to one of the person's organizations, or all of it."""
        if organization is None:
            return self
        here = [one for one in self.places if str(one.organization_id) == organization]
        return replace(self, places=tuple(here))

    def in_health(self, rows: QuerySet[Instance], state: HealthState) -> list[Walk[Instance]]:
        """Return how to walk those of `rows` that the person may see and that are shown in a state."""
        imposed, (column, key) = shown_health.imposed(state), BY_HEALTH
        found = [rows.filter(condition) for condition in shown_health.found(state)]
        walks = self._of_organizations(Action.VIEW, *found, column=column, key=key)
        if imposed is not None:
            # Elsewhere it would be asked of every instance in vain.
            held_up = [one for one in self.places if one.is_halted or one.is_paused]
            there = replace(self, places=tuple(held_up))
            walks += there._of_organizations(Action.VIEW, rows.filter(imposed))
        return [*walks, *self.shared(rows.filter(shown_health.either(state)))]

    def instances(
        self, *either: QuerySet[Instance], is_narrow: bool = False
    ) -> list[Walk[Instance]]:
        """
        Return how to walk those rows of `either` that the person may see.

        `is_narrow`: the rows have an index of their own, which is walked instead of those of the
        organizations.
        """
        if not is_narrow:
            return [*self._of_organizations(Action.VIEW, *either), *self.shared(*either)]
        mine = self.organizations()
        return [*([Walk(either, Q(organization__in=mine))] if mine else []), *self.shared(*either)]

    def tagged(self, rows: QuerySet[Instance], name: str) -> list[Walk[Instance]]:
        """Return how to walk those of `rows` with a tag that the person may see, along the index of tags."""
        # One condition: said apart, the order would be that of another tag of the same instance.
        mine = Q(tags__name=name, organization__in=self.organizations())
        walks = [Walk([rows], mine, key=BY_TAG)] if self.places else []
        return [*walks, *self.shared(rows.filter(tags__name=name))]

    def shared(self, *either: QuerySet[Instance]) -> list[Walk[Instance]]:
        """Return how to walk those rows of `either` that somebody shared with the person."""
        if not self.user.is_active:
            return []
        alone = Walk(either, SHARE_IS_CURRENT & Q(shares__user=self.user.pk), key=BY_SHARE)
        if not self.teams:
            return [alone]
        by_team = Walk(either, SHARE_IS_CURRENT, "shares__team", self.teams, Team, key=BY_SHARE)
        return [alone, by_team]

    def operations(self, rows: QuerySet[Operation]) -> list[Walk[Operation]]:
        """Return how to walk those of `rows` that are about instances that the person may see."""
        about = rows.filter(instance__isnull=False)
        walks = self._of_organizations(Action.VIEW, about)
        if self.user.is_active:
            walks.append(Walk([about.filter(self._is_shared())]))
        return walks

    def waiting(self) -> list[Walk[Operation]]:
        """Return how to walk what stopped until somebody decides, also about what is no instance."""
        rows = Operation.objects.filter(state=OperationState.NEEDS_PERSON)
        walks = self.operations(rows)
        if self.user.is_active:
            walks.append(Walk([rows.filter(self._decidable(), instance__isnull=True)]))
        return walks

    def findings(self) -> list[Walk[Finding]]:
        """Return how to walk what is decided about by itself, not as part of its request."""
        settled = Q(operation__isnull=True) | Q(operation__state__in=FINAL)
        rows = Finding.objects.open().filter(settled)
        requested = rows.filter(operation__isnull=False)
        return [
            *self._of_organizations(Action.ADMINISTER, rows),
            *self._by_managing(requested, "operation__instance"),
        ]

    def halted(self) -> list[Walk[Rotation]]:
        """Return how to walk the rotations that something holds up, of what the person manages."""
        rows = Rotation.objects.halted()
        managed = self._by_managing(rows, "old")
        if connection.vendor == "sqlite":
            # It begins with what is IN; joined with its instances, with all instances.
            managed = [walk.begun() for walk in managed]
        return [*self._of_organizations(Action.ADMINISTER, rows), *managed]

    def broken(self) -> list[Walk[Health]]:
        """Return how to walk what checks say somebody has to do something about."""
        return [*self._of_organizations(Action.VIEW, self.broken_rows()), *self.broken_by_share()]

    def broken_rows(self) -> QuerySet[Health]:
        """Return what checks say of any instance that somebody has to do something about."""
        if self.proven_since is None:
            return _BROKEN.all()
        return _BROKEN.filter(checked_at__gte=self.proven_since)

    def broken_by_share(self) -> list[Walk[Health]]:
        """Return how to walk those of them that somebody shared with the person."""
        if not self.user.is_active:
            return []
        # SQLite begins with what is IN; with EXISTS it would look at every instance that is watched.
        return [Walk([self.broken_rows().filter(pk__in=self._shares().values("instance"))])]

    def _of_organizations(
        self,
        action: Action,
        *either: QuerySet[Row],
        column: str = "organization",
        key: str = "pk",
    ) -> list[Walk[Row]]:
        values = self.organizations(action)
        return [Walk(either, Q(), column, values, Organization, key)] if values else []

    def _by_managing(self, rows: QuerySet[Row], instance: str) -> list[Walk[Row]]:
        """Return how to walk those about instances that the person manages as owner, or by a share."""
        if not self.user.is_active:
            return []
        # Each about its one instance: joined, SQLite would begin with all instances.
        owned = Instance.objects.filter(self._by_owning(), pk=OuterRef(instance))
        managed = Q(Exists(self._managing().filter(instance=OuterRef(instance))))
        if self.organizations(Action.CREATE):
            managed |= Q(Exists(owned))
        return [Walk([rows.filter(managed)])]

    def _decidable(self) -> Q:
        """Say that the person may decide about what was found."""
        instance = "finding__operation__instance"
        return (
            Q(finding__organization__in=self.organizations(Action.ADMINISTER))
            | self._by_owning(f"{instance}__")
            | Q((f"{instance}__in", self._managing().values("instance")))
        )

    def _by_owning(self, of: str = "") -> Q:
        """Say that the person manages an instance by role, or as its owner; `of` leads to it."""
        own = Q((f"{of}owner", self.user.pk))
        creating = Q((f"{of}organization__in", self.organizations(Action.CREATE)))
        administered = Q((f"{of}organization__in", self.organizations(Action.ADMINISTER)))
        return own & creating | administered

    def _managing(self) -> QuerySet[Share]:
        return self._shares().filter(level=ShareLevel.MANAGE)

    def _is_shared(self) -> Q:
        """Say that somebody shared the instance that a row is about."""
        if connection.vendor == "sqlite":
            # It begins with what is IN; with EXISTS it would ask of every row, newest first.
            return Q(instance__in=self._shares().values("instance"))
        return Q(Exists(self._shares().filter(instance=OuterRef("instance"))))

    def _shares(self) -> QuerySet[Share]:
        with_me = Q(user=self.user.pk)
        if self.teams:
            with_me |= Q(team__in=self.teams)
        return Share.objects.current().filter(with_me)

    def shape(self) -> tuple[int, ...]:
        """Return how many organizations there are of each role, how many teams, and moments."""
        roles = [one.role for one in self.places]
        moments = int(self.proven_since is not None)
        return (*(roles.count(role) for role in Role), len(self.teams), moments)

    def ids(self) -> list[object]:
        """Return the ids behind `shape`, in its order, after the person's own, and the moment."""
        by_role = [
            [one.organization_id for one in self.places if one.role == role] for role in Role
        ]
        moments = [self.proven_since] if self.proven_since else []
        return [self.user.pk, *chain(*by_role), *self.teams, *moments]


def reach_of(user: User) -> Reach:
    """Read what `user` belongs to; nobody who is switched off reaches anything."""
    if not user.is_active:
        return Reach(user, (), ())
    belongs, teams = (one.read({NOBODY: user.pk}) for one in _belonging())
    since = shown_health.stale_before()
    return Reach(user, tuple(Place(*place) for place in belongs), tuple(teams), since)


@cache
def _belonging() -> tuple[Statement[Any], Statement[Any]]:
    """Return what reads somebody's organizations and teams."""
    belongs = Membership.objects.filter(user=NOBODY).order_by("organization__name")
    places = belongs.values_list(
        *("organization", "role", "organization__name"),
        *(Case(When(one, then=True), default=False) for one in IMPOSING),
    )
    teams = Team.members.through.objects.filter(user=NOBODY).values_list("team", flat=True)
    return write(places), write(teams)
