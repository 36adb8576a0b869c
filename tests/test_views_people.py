"""People of an organization, from its admins' side: added, changed, removed, with what they leave."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances import access, operations
from instances.access import Action
from instances.models import (
    AuditEntry,
    Instance,
    InstanceStatus,
    Membership,
    Organization,
    Role,
    Share,
    ShareLevel,
    Team,
)
from tests.cases import read, work
from tests.states import TOKEN

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]


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


def url(name: str, organization: Organization, *args: Any) -> str:
    return reverse(f"instances:{name}", args=[organization.pk, *args])


def membership(user: User) -> Membership:
    return Membership.objects.select_related("user", "organization").get(user=user)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_admin_adds_somebody_who_has_an_account(
    desk: Client, organization: Organization, make_user: MakeUser
) -> None:
    nora = make_user("nora")
    answer = desk.post(
        url("organization_people", organization), {"person": "nora", "role": "viewer"}, follow=True
    )
    assert "nora belongs to" in answer.content.decode()
    assert access.can(nora, Action.VIEW, organization)
    assert AuditEntry.objects.get(action="membership.added").detail["role"] == "viewer"


def test_whoever_belongs_already_is_not_added_twice(
    desk: Client, organization: Organization, operator: User
) -> None:
    asked = {"person": "olivia", "role": "admin"}
    answer = desk.post(url("organization_people", organization), asked)
    assert "They belong to this organization already." in answer.content.decode()
    assert membership(operator).role == Role.OPERATOR


def test_another_role_counts_from_the_next_request(
    desk: Client, organization: Organization, active: Instance, operator: User
) -> None:
    theirs = Client()
    theirs.force_login(operator)
    sharing = reverse("instances:sharing", args=[active.pk])
    assert "Share it" in theirs.get(sharing).content.decode()
    desk.post(url("person_role", organization, operator.pk), {"role": "viewer"})
    assert "Share it" not in theirs.get(sharing).content.decode()


def test_shares_that_rest_on_a_role_end_with_it(
    desk: Client, organization: Organization, active: Instance, operator: User, make_user: MakeUser
) -> None:
    nora, uma = make_user("nora"), make_user("uma")
    manage = ShareLevel.MANAGE
    operations.share_instance(actor=operator, instance=active, level=manage, user=nora)
    operations.share_instance(actor=nora, instance=active, level=ShareLevel.USE, user=uma)
    desk.post(url("person_role", organization, operator.pk), {"role": "viewer"})
    assert not Share.objects.exists()
    because = AuditEntry.objects.filter(action="share.removed").first()
    assert because is not None
    assert because.detail["because"] == "olivia does not manage it any more"


def test_the_last_admin_stays(desk: Client, organization: Organization, ada: User) -> None:
    answer = desk.post(url("person_role", organization, ada.pk), {"role": "viewer"})
    assert "This is the last admin who can sign in" in answer.content.decode()
    answer = desk.post(url("organization_person_remove", organization, ada.pk))
    assert answer.status_code == 422
    assert membership(ada).role == Role.ADMIN


def test_an_admin_who_cannot_sign_in_does_not_count(
    desk: Client, organization: Organization, ada: User, member: Callable[..., User]
) -> None:
    other = member(Role.ADMIN, "left")
    User.objects.filter(pk=other.pk).update(is_active=False)
    desk.post(url("person_role", organization, ada.pk), {"role": "viewer"})
    assert membership(ada).role == Role.ADMIN


def test_removal_is_told_beforehand(
    desk: Client, organization: Organization, active: Instance, operator: User, ada: User
) -> None:
    team = Team.objects.create(name="Finance", organization=organization)
    team.members.add(operator)
    operations.share_instance(actor=operator, instance=active, level=ShareLevel.USE, user=ada)
    operations.reveal_token(actor=operator, instance=active)
    page = desk.get(url("organization_person_remove", organization, operator.pk))
    text = " ".join(page.content.decode().split())
    assert "They leave 1 team of the organization: <bdi>Finance</bdi>" in text
    assert "1 instance in their name, 1 share that they gave." in text
    assert "0 requests and 0 rotations of theirs under way." in text
    assert "1 token that they have seen and that still work" in text
    assert Membership.objects.filter(user=operator).exists()


def test_removed_without_an_heir_nothing_is_left_to_them(
    desk: Client, organization: Organization, active: Instance, operator: User, ada: User
) -> None:
    team = Team.objects.create(name="Finance", organization=organization)
    team.members.add(operator)
    for to in ({"user": operator}, {"team": team}):
        operations.share_instance(actor=ada, instance=active, level=ShareLevel.USE, **to)
    desk.post(url("organization_person_remove", organization, operator.pk))
    assert access.allowed_actions(operator, active) == set()
    assert list(Share.objects.values_list("team", flat=True)) == [team.pk]
    assert not team.members.exists()
    assert {"membership.removed", "team.left", "share.removed"} <= set(actions())


@pytest.mark.django_db(transaction=True)
def test_removal_stops_queued_work_at_its_next_step(
    ask: Callable[..., Instance], ada: User, operator: User, account: Any
) -> None:
    instance = ask()
    operations.remove_member(actor=ada, membership=membership(operator))
    work()
    assert read(instance).status == InstanceStatus.CANCELED
    assert account.instances() == []


@pytest.mark.django_db(transaction=True)
def test_with_an_heir_queued_work_goes_on_in_the_heirs_name(
    ask: Callable[..., Instance], ada: User, operator: User, member: Callable[..., User]
) -> None:
    instance, nora = ask(), member(Role.OPERATOR, "nora")
    operations.remove_member(actor=ada, membership=membership(operator), heir=nora)
    work()
    made = read(instance)
    assert (made.status, made.owner) == (InstanceStatus.ACTIVE, nora)
    assert made.operations.get().requester == nora


def test_a_removed_member_reveals_nothing(
    desk: Client, organization: Organization, active: Instance, operator: User
) -> None:
    theirs = Client()
    theirs.force_login(operator)
    reveal = reverse("instances:reveal", args=[active.pk])
    assert TOKEN in theirs.post(reveal).content.decode()
    desk.post(url("organization_person_remove", organization, operator.pk))
    assert theirs.post(reveal).status_code == 404


def test_whoever_left_is_still_worked_off(
    desk: Client, organization: Organization, active: Instance, operator: User, ada: User
) -> None:
    operations.reveal_token(actor=operator, instance=active)
    operations.remove_member(actor=ada, membership=membership(operator))
    page = desk.get(url("organization_people", organization)).content.decode()
    assert "Not members" in page
    person = url("organization_person", organization, operator.pk)
    assert f'href="{person}"' in page
    assert "Hand it over" in desk.get(person).content.decode()
    desk.post(url("person_hand_over", organization, operator.pk), {"heir": ada.pk})
    assert read(active).owner == ada
    assert AuditEntry.objects.filter(action="instance.handed_over").get().object_id == str(
        active.pk
    )


def test_a_seen_token_is_listed_until_it_is_accepted_disabled_or_another(
    desk: Client, organization: Organization, active: Instance, operator: User
) -> None:
    person = url("organization_person", organization, operator.pk)
    assert "None that still works" in desk.get(person).content.decode()
    operations.reveal_token(actor=operator, instance=active)
    assert [one.is_open for one in desk.get(person).context["values"]] == [True]
    accept = url("sight_accept", organization, operator.pk, active.pk)
    desk.post(accept, {"reason": " "})
    assert [one.is_open for one in desk.get(person).context["values"]] == [True]
    desk.post(accept, {"reason": "test account"})
    assert [one.accepted for one in desk.get(person).context["values"]] == ["test account"]
    operations.reveal_token(actor=operator, instance=active)
    assert [one.is_open for one in desk.get(person).context["values"]] == [True]
    Instance.objects.update(is_disabled=True)
    assert [one.is_open for one in desk.get(person).context["values"]] == [False]
    AuditEntry(
        actor_name="worker", action="instance.token_changed", object_id=str(active.pk)
    ).save()
    assert desk.get(person).context["values"] == []


def test_owner_hands_over_one_instance_with_its_shares(
    signed_in: Client, active: Instance, member: Callable[..., User], make_user: MakeUser
) -> None:
    nora, uma = member(Role.OPERATOR, "nora"), make_user("uma")
    operations.share_instance(actor=active.owner, instance=active, level=ShareLevel.USE, user=uma)
    answer = signed_in.post(
        reverse("instances:hand_over", args=[active.pk]), {"heir": nora.pk}, follow=True
    )
    assert "nora looks after" in answer.content.decode()
    assert read(active).owner == nora
    assert Share.objects.get().granted_by == nora


def test_only_who_may_create_can_be_the_next_owner(
    signed_in: Client, active: Instance, member: Callable[..., User]
) -> None:
    vera = member(Role.VIEWER, "vera")
    url_ = reverse("instances:hand_over", args=[active.pk])
    assert signed_in.post(url_, {"heir": vera.pk}).status_code == 422
    assert read(active).owner == active.owner


def test_a_page_shows_as_many_queries_for_many_people(
    desk: Client,
    organization: Organization,
    member: Callable[..., User],
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(12):
        member(Role.VIEWER, f"person-{number}")
    with django_assert_max_num_queries(16):
        desk.get(url("organization_people", organization))
