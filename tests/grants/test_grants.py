"""Thousands of grants and removals in random order: nobody has a right that a small model does not allow."""

import os
import random
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from instances import access, operations
from instances.models import Instance, Membership, Organization, Role, Share, Team
from instances.models.walk import Span, newest
from instances.reach import reach_of
from tests.grants.model import FOREVER
from tests.grants.steps import Town, by_chance
from tests.worlds import organization_row

pytestmark = [pytest.mark.once, pytest.mark.django_db]

# In all worlds together; `make grants` takes ten thousand.
STEPS = int(os.environ.get("GRANTS", "400"))
WORLDS = 4
REFUSALS = (
    access.NotAllowedError,
    operations.ForeignTeamError,
    operations.LastAdminError,
    operations.MayNotInheritError,
    operations.MemberAlreadyError,
    operations.NotTheirShareError,
)


@pytest.fixture(params=range(WORLDS), ids="world-{}".format)
def town(make_user: Callable[..., User], request: pytest.FixtureRequest) -> Town:
    """Two organizations with an admin and two instances each, five teams, six people."""
    people = [make_user(f"person-{at}") for at in range(6)]
    organizations = Organization.objects.bulk_create(organization_row(at) for at in range(2))
    made = Town(random.Random(request.param), people, organizations, [])
    for at, home in enumerate(organizations):
        Membership.objects.create(user=people[at], organization=home, role=Role.ADMIN)
        made.model.roles[people[at].pk, home.pk] = "admin"
        for number in range(2):
            row = Instance.objects.create(organization=home, owner=people[at], name=f"{number}")
            made.instances.append(row)
            made.model.homes[row.pk], made.model.owners[row.pk] = home.pk, people[at].pk
    homes: list[Organization | None] = [None, *organizations, *organizations]
    for belongs in homes:
        team = Team.objects.create(name=f"team {len(made.model.teams)}", organization=belongs)
        made.model.teams[team.pk] = set()
    _fill_the_team_of_all(made)
    return made


def _fill_the_team_of_all(town: Town) -> None:
    team = Team.objects.get(organization=None)
    operations.compose_team(actor=town.people[0], team=team, people=town.people[3:5])
    town.model.teams[team.pk] = {person.pk for person in town.people[3:5]}


def test_no_right_exceeds_what_the_model_allows(town: Town) -> None:
    done = refused = 0
    for number in range(STEPS // WORLDS):
        is_allowed, real, modeled = by_chance(town)
        try:
            real()
        except REFUSALS:
            assert not is_allowed, f"step {number} was refused"
            refused += 1
            continue
        assert is_allowed, f"step {number} was let through"
        modeled()
        town.model.settle()
        done += 1
        assert_rows_agree(town)
        assert_rights_agree(town, town.chance.choice(town.people).pk)
    for person in town.people:
        assert_rights_agree(town, person.pk)
    print(f"{done} done, {refused} refused")  # noqa: T201  # read by whoever runs `make grants`
    assert min(done, refused) > STEPS // WORLDS // 10


def assert_rows_agree(town: Town) -> None:
    """Compare memberships, owners and shares with the model's."""
    rows = Membership.objects.values_list("user", "organization", "role")
    assert {(user, home): role for user, home, role in rows} == town.model.roles
    assert dict(Instance.objects.values_list("pk", "owner")) == town.model.owners
    shares = {
        (one.instance_id, "team" if one.team_id else "person", one.team_id or one.user_id): (
            one.level,
            one.expires_at or FOREVER,
            one.granted_by_id,
        )
        for one in Share.objects.all()
    }
    modeled = town.model.shares.items()
    assert shares == {key: (one.level, one.until, one.giver) for key, one in modeled}


def assert_rights_agree(town: Town, pk: int) -> None:
    """Compare every way in which rights are asked for, for one person and each instance."""
    user, model = User.objects.get(pk=pk), town.model
    allowed = {one.pk: model.allowed(pk, one.pk) for one in town.instances}
    rows = Instance.objects.select_related("organization")
    assert {one.pk: set(map(str, access.allowed_actions(user, one))) for one in rows} == allowed
    visible = {one for one, actions in allowed.items() if "view" in actions}
    assert {one.pk for one in access.visible_to(user)} == visible
    managed = {one for one, actions in allowed.items() if "manage" in actions}
    assert {one.pk for one in access.managed_by(user)} == managed
    found = newest(reach_of(user).instances(rows), Span(limit=99), lambda rows: rows)
    walked = {row.pk for row in found}
    assert walked == visible
