"""Teams of an organization: who says who is in them, and what is shared through them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances import access, operations
from instances.access import Action, NotAllowedError
from instances.models import AuditEntry, Instance, Organization, Role, Share, ShareLevel, Team
from tests.worlds import organization_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(member: Callable[..., User]) -> User:
    """An admin of the organization."""
    return member(Role.ADMIN, "ada")


@pytest.fixture
def desk(ada: User) -> Client:
    """A browser in which the admin is signed in."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def team(organization: Organization) -> Team:
    """A team of the organization, nobody in it."""
    return Team.objects.create(name="Finance", organization=organization)


def url(name: str, team: Team, *args: int) -> str:
    return reverse(f"instances:{name}", args=[team.organization_id, team.pk, *args])


def test_admin_makes_a_team_once(desk: Client, organization: Organization) -> None:
    address = reverse("instances:organization_teams", args=[organization.pk])
    assert desk.post(address, {"name": "Finance"}).status_code == 302
    again = desk.post(address, {"name": "Finance"})
    assert "There is a team of this name already." in again.content.decode()
    assert [team.organization for team in Team.objects.all()] == [organization]


def test_whoever_joins_sees_what_is_shared_and_whoever_leaves_does_not(
    desk: Client, team: Team, active: Instance, ada: User, make_user: Callable[..., User]
) -> None:
    nora = make_user("nora")
    operations.share_instance(actor=ada, instance=active, level=ShareLevel.USE, team=team)
    desk.post(url("team_join", team), {"person": "nora"})
    assert access.can(nora, Action.USE, active)
    desk.post(url("team_leave", team, nora.pk))
    assert not access.can(nora, Action.VIEW, active)
    told = AuditEntry.objects.filter(object_type="team").order_by("pk")
    assert [entry.action for entry in told] == ["team.joined", "team.left"]


def test_what_was_given_on_ends_with_the_team(
    desk: Client, team: Team, active: Instance, ada: User, make_user: Callable[..., User]
) -> None:
    nora, uma = make_user("nora"), make_user("uma")
    team.members.add(nora)
    operations.share_instance(actor=ada, instance=active, level=ShareLevel.MANAGE, team=team)
    operations.share_instance(actor=nora, instance=active, level=ShareLevel.USE, user=uma)
    desk.post(url("organization_team_delete", team))
    assert not Share.objects.exists()
    assert not access.can(uma, Action.VIEW, active)


def test_two_who_manage_by_share_do_not_hold_each_other_up(
    active: Instance, ada: User, team: Team, make_user: Callable[..., User]
) -> None:
    nora, uma = make_user("nora"), make_user("uma")
    team.members.add(nora)
    manage = ShareLevel.MANAGE
    first = operations.share_instance(actor=ada, instance=active, level=manage, team=team)
    operations.share_instance(actor=nora, instance=active, level=manage, user=uma)
    operations.share_instance(actor=uma, instance=active, level=manage, user=nora)
    operations.remove_share(actor=ada, share=first)
    assert not Share.objects.exists()


def test_who_manages_by_a_share_does_not_change_what_others_gave(
    active: Instance, ada: User, make_user: Callable[..., User]
) -> None:
    nora, uma = make_user("nora"), make_user("uma")
    manage, view = ShareLevel.MANAGE, ShareLevel.VIEW
    operations.share_instance(actor=ada, instance=active, level=manage, user=nora)
    operations.share_instance(actor=ada, instance=active, level=manage, user=uma)
    with pytest.raises(operations.NotTheirShareError):
        operations.share_instance(actor=uma, instance=active, level=view, user=nora)
    browser = Client()
    browser.force_login(uma)
    address = reverse("instances:sharing", args=[active.pk])
    answer = browser.post(address, {"person": "nora", "level": "view"})
    assert "Somebody else shared it with them already" in answer.content.decode()


def test_a_share_that_becomes_shorter_shortens_what_was_given_on(
    active: Instance, ada: User, make_user: Callable[..., User]
) -> None:

    nora, uma = make_user("nora"), make_user("uma")
    manage, soon = ShareLevel.MANAGE, timezone.now() + timedelta(days=1)
    operations.share_instance(actor=ada, instance=active, level=manage, user=nora)
    operations.share_instance(actor=nora, instance=active, level=manage, user=uma)
    operations.share_instance(actor=ada, instance=active, level=manage, user=nora, expires_at=soon)
    assert set(Share.objects.values_list("expires_at", flat=True)) == {soon}


def test_an_instance_is_not_shared_with_a_team_that_others_fill(
    desk: Client, active: Instance, ada: User
) -> None:
    other = organization_row(1)
    other.save()
    foreign = Team.objects.create(name="Elsewhere", organization=other)
    with pytest.raises(operations.ForeignTeamError):
        operations.share_instance(actor=ada, instance=active, level=ShareLevel.VIEW, team=foreign)
    page = desk.get(reverse("instances:sharing", args=[active.pk])).content.decode()
    assert "Elsewhere" not in page


def test_a_team_of_the_installation_is_for_django_admin_alone(
    ada: User, make_user: Callable[..., User]
) -> None:
    everywhere = Team.objects.create(name="Everybody")
    with pytest.raises(NotAllowedError):
        operations.add_to_team(actor=ada, team=everywhere, user=make_user("nora"))
