"""All that is only on the platform is adopted in parts, for a member of the organization."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from instances import operations
from instances.engine import intake
from instances.models import (
    AuditEntry,
    Instance,
    Intake,
    ListedInstance,
    Membership,
    Operation,
    OperationState,
    Organization,
    Role,
    Standing,
)
from sandbox.running import Account
from tests.cases import synchronize

pytestmark = pytest.mark.django_db(transaction=True)

PART = intake.LINES_AT_ONCE


def end_adoptions() -> None:
    """As if a worker had ended all that was asked for, without the calls."""
    Operation.objects.update(state=OperationState.CANCELED, finished_at=Now())


@pytest.fixture
def owner(member: Callable[..., User]) -> User:
    return member(Role.OPERATOR, "olga")


@pytest.fixture
def admin(client: Client, member: Callable[..., User]) -> Client:
    """A browser in which an admin of the organization is signed in."""
    client.force_login(member(Role.ADMIN, "admin"))
    return client


@pytest.fixture
def address(organization: Organization) -> str:
    return reverse("instances:organization_drift", args=[organization.pk]) + "?show=only_there"


def adopt_all(admin: Client, address: str, **more: object) -> str:
    response = admin.post(address, {"choice": "adopt", "is_all": "on"} | more, follow=True)
    return str(response.content.decode())


@pytest.fixture
def crowd(organization: Organization, account: Account) -> int:
    """More than two parts of instances that are only there."""
    number = 2 * PART + 30
    account.add_crowd(number)
    synchronize()
    return number


def test_all_are_taken_part_by_part(
    admin: Client, address: str, crowd: int, organization: Organization
) -> None:
    page = adopt_all(admin, address)
    assert f"Adoption has started for {crowd} instances, owned by admin." in page
    assert not Operation.objects.exists()
    for taken in (PART, 2 * PART, crowd):
        intake.run()
        assert Operation.objects.filter(kind="adopt").count() == taken
        end_adoptions()
    intake.run()
    assert Intake.objects.get().ended_at
    assert Intake.objects.get().taken == Instance.objects.count() == crowd
    numbers = Operation.objects.values_list("remote_id", flat=True)
    assert set(numbers) == set(ListedInstance.objects.values_list("remote_id", flat=True))
    assert AuditEntry.objects.filter(action="instance.adoption_requested").count() == crowd


def test_no_part_is_taken_while_enough_wait_to_be_read(
    admin: Client, address: str, crowd: int
) -> None:
    adopt_all(admin, address)
    for _ in range(4):
        intake.run()
    assert Operation.objects.count() == intake.MOST_WAITING
    # What waits for a person holds nothing up.
    Operation.objects.update(state=OperationState.NEEDS_PERSON)
    intake.run()
    assert Operation.objects.count() == crowd


def test_a_part_costs_the_same_number_of_queries_however_many_lines(
    admin: Client,
    address: str,
    crowd: int,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    adopt_all(admin, address)
    # In batches of 200 rows, and SQLite of fewer.
    with django_assert_max_num_queries(60):
        intake.run()


def test_another_member_can_own_what_is_adopted(
    admin: Client, address: str, organization: Organization, account: Account, owner: User
) -> None:
    account.add_crowd(3)
    synchronize()
    assert '<option value="' in admin.get(address).content.decode()
    assert "owned by olga" in adopt_all(admin, address, owner=str(owner.pk))
    intake.run()
    assert Instance.objects.filter(owner=owner).count() == 3
    assert set(Operation.objects.values_list("requester__username", flat=True)) == {"admin"}
    entry = AuditEntry.objects.filter(action="instance.adoption_requested")[0]
    assert (entry.actor_name, entry.detail["owner"]) == ("admin", "olga")


def test_some_can_be_adopted_for_another_member(
    admin: Client, address: str, organization: Organization, account: Account, owner: User
) -> None:
    account.add_crowd(2)
    synchronize()
    line = ListedInstance.objects.order_by("pk")[0]
    form = {"choice": "adopt", "rows": [str(line.pk)], "owner": str(owner.pk)}
    admin.post(address, form)
    assert Instance.objects.get().owner == owner


def test_who_is_no_member_owns_nothing(
    admin: Client, address: str, crowd: int, make_user: Callable[..., User]
) -> None:
    stranger = make_user("stranger")
    page = adopt_all(admin, address, owner=str(stranger.pk))
    assert "Choose a member of the organization." in page
    assert "stranger" not in page
    assert not Intake.objects.exists()


@pytest.mark.parametrize("leaver", ["admin", "olga"])
def test_it_ends_when_who_asked_or_who_shall_own_left(
    admin: Client, address: str, crowd: int, owner: User, leaver: str
) -> None:
    adopt_all(admin, address, owner=str(owner.pk))
    Membership.objects.filter(user__username=leaver).delete()
    intake.run()
    assert not Operation.objects.exists()
    assert leaver in Intake.objects.get().problem


def test_an_admin_stops_it(admin: Client, address: str, crowd: int) -> None:
    adopt_all(admin, address)
    intake.run()
    organization = Organization.objects.get()
    stop = reverse("instances:adoption_stop", args=[organization.pk])
    page = admin.post(stop, follow=True).content.decode()
    assert "No more are adopted." in page
    intake.run()
    assert Operation.objects.count() == PART
    end_adoptions()
    page = admin.get(address).content.decode()
    assert f'<span class="number">{PART}</span> of' in page
    assert "admin stopped it." in page


def test_one_goes_on_at_a_time(admin: Client, address: str, crowd: int) -> None:
    adopt_all(admin, address)
    assert "under way already" in adopt_all(admin, address)
    assert Intake.objects.count() == 1


def test_without_anything_only_there_nothing_is_asked_for(
    admin: Client, address: str, organization: Organization
) -> None:
    assert "There is nothing that is only there." in adopt_all(admin, address)
    assert not Intake.objects.exists()


def test_progress_is_shown_while_it_goes_on(admin: Client, address: str, crowd: int) -> None:
    adopt_all(admin, address)
    intake.run()
    end_adoptions()
    intake.run()
    page = admin.get(address, headers={"HX-Target": "progress"}).content.decode()
    assert f'max="{crowd}" value="{PART}"' in page
    assert f"{PART} being read" in page
    assert re.search(r"About \d+ s left", page)
    assert 'hx-trigger="every 2s"' in page


def test_a_comparison_meanwhile_leaves_what_is_being_adopted(
    admin: Client, address: str, organization: Organization, account: Account
) -> None:
    account.add_crowd(3)
    synchronize()
    adopt_all(admin, address)
    intake.run()
    synchronize()
    assert set(ListedInstance.objects.values_list("standing", flat=True)) == {Standing.MATCHES}


def test_what_is_on_its_way_is_not_adopted_again(
    admin: Client, address: str, organization: Organization, account: Account
) -> None:
    account.add_crowd(3)
    synchronize()
    adopt_all(admin, address)
    intake.run()
    # A comparison that had read the lines before writes them back.
    ListedInstance.objects.update(standing=Standing.ONLY_THERE, instance=None)
    admin.post(
        address,
        {"choice": "adopt", "rows": [str(row.pk) for row in ListedInstance.objects.all()]},
    )
    assert Operation.objects.count() == 3


def test_what_is_left_out_holds_nothing_up(
    admin: Client, address: str, organization: Organization, account: Account
) -> None:
    account.add_crowd(3)
    synchronize()
    adopt_all(admin, address)
    intake.run()
    intake.run()
    ListedInstance.objects.update(standing=Standing.ONLY_THERE, instance=None)
    adopt_all(admin, address)
    intake.run()
    intake.run()
    assert not Intake.objects.filter(ended_at=None).exists()
    assert Operation.objects.count() == 3


def test_every_door_wants_a_member_as_owner(
    crowd: int,
    organization: Organization,
    member: Callable[..., User],
    make_user: Callable[..., User],
) -> None:
    actor, stranger = member(Role.ADMIN, "ada"), make_user("stranger")
    with pytest.raises(operations.NoMemberError):
        operations.request_intake(actor=actor, organization=organization, owner=stranger)
    with pytest.raises(operations.NoMemberError):
        operations.decide_listed(
            actor=actor,
            organization=organization,
            choice=operations.DriftChoice.ADOPT,
            rows=list(ListedInstance.objects.all()[:1]),
            owner=stranger,
        )


def test_the_time_left_is_told_by_the_pace_so_far(admin: Client, address: str, crowd: int) -> None:
    adopt_all(admin, address)
    Intake.objects.update(asked_at=Now() - timedelta(seconds=60), total=1000)
    wish = Intake.objects.get()
    assert wish.left(0) is None
    left = wish.left(250)
    assert left
    assert 175 < left.total_seconds() < 200
