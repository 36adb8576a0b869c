"""What people do to each other's rights, by chance: in the product, and in the model beside it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from instances import operations
from instances.models import Instance, Membership, Organization, Role, Share, ShareLevel, Team
from tests.grants.model import FOREVER, Given, Model

Step = tuple[bool, Callable[[], object], Callable[[], object]]


@dataclass
class Town:
    """The rows, the model beside them, and the chance that decides what is done next."""

    chance: random.Random
    people: list[User]
    organizations: list[Organization]
    instances: list[Instance]
    model: Model = field(default_factory=Model)

    def user(self, pk: int) -> User:
        return User.objects.get(pk=pk)

    def anybody(self) -> int:
        return self.chance.choice(self.people).pk

    def anything(self) -> Instance:
        return Instance.objects.select_related("organization").get(
            pk=self.chance.choice(self.instances).pk
        )


def by_chance(town: Town) -> Step:
    """Return whether the model allows something, how the product does it, and the model."""
    step = _any(town)
    # Most of what strangers try is refused alike: it is tried, but not most of the time.
    for _ in range(town.chance.randrange(12)):
        if step[0]:
            break
        step = _any(town)
    return step


def _any(town: Town) -> Step:
    return town.chance.choices(
        [_share, _unshare, _role, _admit, _leave, _team, _hand_over, _switch],
        weights=[10, 3, 3, 4, 2, 5, 2, 1],
    )[0](town)


def _share(town: Town) -> Step:
    model, instance, actor = town.model, town.anything(), town.anybody()
    kind = town.chance.choice(["person", "person", "team"])
    to = town.anybody() if kind == "person" else town.chance.choice(list(model.teams))
    level = town.chance.choice(["view", "use", "manage", "manage"])
    days = town.chance.choice([None, 1, 5, 9])
    until = FOREVER if days is None else timezone.now() + timedelta(days=days)
    key = (instance.pk, kind, to)
    team = Team.objects.get(pk=to) if kind == "team" else None
    earlier = model.shares.get(key)
    is_allowed = (
        "manage" in model.allowed(actor, instance.pk)
        and (team is None or team.organization_id in (None, instance.organization_id))
        and (earlier is None or earlier.giver == actor or model.is_root(actor, instance.pk))
    )

    def real() -> object:
        return operations.share_instance(
            actor=town.user(actor),
            instance=instance,
            level=ShareLevel(level),
            expires_at=None if days is None else until,
            user=town.user(to) if kind == "person" else None,
            team=team,
        )

    def modeled() -> None:
        end = min(until, model.managing(instance.pk)[actor])
        model.shares[key] = Given(level, end, actor)

    return is_allowed, real, modeled


def _unshare(town: Town) -> Step:
    model, actor = town.model, town.anybody()
    if not model.shares:
        return _share(town)
    key = town.chance.choice(list(model.shares))
    kind = {"person": "user", "team": "team"}[key[1]]
    share = Share.objects.select_related("instance").get(instance=key[0], **{kind: key[2]})
    return (
        "manage" in model.allowed(actor, key[0]),
        lambda: operations.remove_share(actor=town.user(actor), share=share),
        lambda: model.shares.pop(key),
    )


def _administers(town: Town, actor: int, organization: UUID) -> bool:
    return actor not in town.model.off and town.model.roles.get((actor, organization)) == "admin"


def _is_last_admin(town: Town, user: int, organization: UUID) -> bool:
    admins = {
        u for (u, o), role in town.model.roles.items() if o == organization and role == "admin"
    }
    return user in admins and not admins - {user} - town.model.off


def _membership(town: Town) -> Membership:
    return town.chance.choice(
        list(Membership.objects.order_by("pk").select_related("user", "organization"))
    )


def _role(town: Town) -> Step:
    model, actor, row = town.model, town.anybody(), _membership(town)
    role, key = town.chance.choice(list(Role)), (row.user_id, row.organization_id)
    may_go = role == Role.ADMIN or not _is_last_admin(town, *key)
    return (
        _administers(town, actor, row.organization_id) and may_go,
        lambda: operations.change_role(actor=town.user(actor), membership=row, role=role),
        lambda: model.roles.update({key: role.value}),
    )


def _admit(town: Town) -> Step:
    model, actor, user = town.model, town.anybody(), town.anybody()
    home, role = town.chance.choice(town.organizations), town.chance.choice(list(Role))
    key = (user, home.pk)
    return (
        _administers(town, actor, home.pk) and key not in model.roles,
        lambda: operations.add_member(
            actor=town.user(actor), organization=home, user=town.user(user), role=role
        ),
        lambda: model.roles.update({key: role.value}),
    )


def _can_inherit(town: Town, heir: int, home: UUID) -> bool:
    role = town.model.roles.get((heir, home))
    return heir not in town.model.off and role in ("operator", "admin")


def _inherit(model: Model, actor: int, user: int, home: UUID, heir: int) -> None:
    for instance, owner in model.owners.items():
        if owner == user and model.homes[instance] == home:
            model.owners[instance] = heir
    for (instance, _, _), share in model.shares.items():
        if model.homes[instance] == home and share.giver == user:
            share.giver = heir if model.is_root(heir, instance) else actor


def _leave(town: Town) -> Step:
    model, actor, row = town.model, town.anybody(), _membership(town)
    user, home = row.user_id, row.organization_id
    heir = town.chance.choice([None, town.anybody()])
    is_allowed = (
        _administers(town, actor, home)
        and not _is_last_admin(town, user, home)
        and (heir is None or (heir != user and _can_inherit(town, heir, home)))
    )

    def modeled() -> None:
        if heir is not None:
            _inherit(model, actor, user, home, heir)
        del model.roles[user, home]
        for key in list(model.shares):
            if key[1:] == ("person", user) and model.homes[key[0]] == home:
                del model.shares[key]
        for team in Team.objects.filter(organization=home):
            model.teams[team.pk].discard(user)

    return (
        is_allowed,
        lambda: operations.remove_member(
            actor=town.user(actor),
            membership=row,
            heir=None if heir is None else town.user(heir),
        ),
        modeled,
    )


def _team(town: Town) -> Step:
    model, actor, user = town.model, town.anybody(), town.user(town.anybody())
    team = town.chance.choice(list(Team.objects.order_by("pk").select_related("organization")))
    home = team.organization_id
    is_allowed = home is not None and _administers(town, actor, home)
    act = town.chance.choice(["join", "join", "leave", "leave", "end"])
    if act == "end":

        def anew() -> None:
            # Another takes its place, so that there always are some.
            model.shares = {k: v for k, v in model.shares.items() if k[1:] != ("team", ended)}
            del model.teams[ended]
            other = Team.objects.create(name=team.name, organization=team.organization)
            model.teams[other.pk] = set()

        ended = team.pk
        real = lambda: operations.delete_team(actor=town.user(actor), team=team)  # noqa: E731
        return is_allowed, real, anew
    do = operations.add_to_team if act == "join" else operations.remove_from_team
    people = model.teams[team.pk]
    return (
        is_allowed,
        lambda: do(actor=town.user(actor), team=team, user=user),
        lambda: people.add(user.pk) if act == "join" else people.discard(user.pk),
    )


def _hand_over(town: Town) -> Step:
    model, instance, actor, heir = town.model, town.anything(), town.anybody(), town.anybody()
    home, owner = instance.organization_id, model.owners[instance.pk]
    if town.chance.random() < 0.5:
        user = town.anybody()
        return (
            _administers(town, actor, home) and heir != user and _can_inherit(town, heir, home),
            lambda: operations.hand_over(
                actor=town.user(actor),
                user=town.user(user),
                organization=instance.organization,
                heir=town.user(heir),
            ),
            lambda: _inherit(model, actor, user, home, heir),
        )

    def modeled() -> None:
        model.owners[instance.pk] = heir
        for (about, _, _), share in model.shares.items():
            if about == instance.pk and share.giver == owner:
                share.giver = heir

    return (
        actor not in model.off
        and model.is_root(actor, instance.pk)
        and heir != owner
        and _can_inherit(town, heir, home),
        lambda: operations.hand_over_instance(
            actor=town.user(actor), instance=instance, heir=town.user(heir)
        ),
        modeled,
    )


def _switch(town: Town) -> Step:
    user, model = town.anybody(), town.model
    is_off = user in model.off
    return (
        True,
        lambda: User.objects.filter(pk=user).update(is_active=is_off),
        lambda: model.off.discard(user) if is_off else model.off.add(user),
    )
