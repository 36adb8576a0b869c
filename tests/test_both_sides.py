"""Whoever manages an instance sees both sides of it, and decides which one counts."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from instances import access, operations
from instances.engine import searching
from instances.models import (
    Instance,
    ListedInstance,
    Organization,
    Role,
    Share,
    Standing,
)
from instances.operations import DriftChoice
from sandbox.running import Account
from tests.cases import synchronize, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(ask: Callable[..., Instance]) -> Instance:
    """An instance that is ready, on the platform, and seen there as it is here."""
    instance = ask()
    work()
    instance.refresh_from_db()
    synchronize()
    return instance


@pytest.fixture
def address(made: Instance) -> str:
    return reverse("instances:instance_drift", args=[made.pk])


def post(client: Client, address: str, choice: str) -> str:
    form = {"choice": choice, "digest": ListedInstance.objects.get().digest}
    return str(client.post(address, form, follow=True).content.decode())


def test_both_sides_are_shown_and_since_when(
    signed_in: Client, made: Instance, account: Account, address: str
) -> None:
    seen_as_here = ListedInstance.objects.get().last_seen_at
    account.change_instance(made.remote_id or 0, name="Renamed there", tags=["theirs"])
    synchronize()
    first = ListedInstance.objects.get().differs_since
    synchronize()
    line = ListedInstance.objects.get()
    assert (line.matched_at, line.differs_since) == (seen_as_here, first)
    page = signed_in.get(address).content.decode()
    assert "Renamed there" in page
    assert made.name in page
    assert f"{line.differs_since:%-d %B %Y, %H:%M} UTC, as here in the one of" in page
    assert page.count('<span class="badge tone-warn">differs</span>') == 2


def test_its_owner_is_told_on_its_pages_and_led_to_both_sides(
    signed_in: Client, made: Instance, account: Account, address: str
) -> None:
    assert "Changed on the platform" not in signed_in.get(made.get_absolute_url()).content.decode()
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    page = signed_in.get(made.get_absolute_url()).content.decode()
    assert "Changed on the platform" in page
    assert f'href="{address}"' in page


def test_who_only_uses_it_is_not_told(
    client: Client, made: Instance, account: Account, make_user: Callable[..., User], operator: User
) -> None:
    tara = make_user("tara")
    Share.objects.create(instance=made, user=tara, level="use", granted_by=operator)
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    client.force_login(tara)
    assert "Changed on the platform" not in client.get(made.get_absolute_url()).content.decode()


def test_the_list_leads_to_both_sides(
    client: Client, made: Instance, account: Account, address: str, member: Callable[..., User]
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    client.force_login(member(Role.ADMIN, "ada"))
    page = client.get(reverse("instances:organization_drift", args=[made.organization_id]))
    assert f'href="{address}"' in page.content.decode()


def test_an_owner_accepts_theirs(
    signed_in: Client, made: Instance, account: Account, address: str
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    assert "Their values are taken over." in post(signed_in, address, "accept")
    made.refresh_from_db()
    line = ListedInstance.objects.get()
    assert (made.name, line.standing, line.differs_since) == ("Renamed there", "matches", None)
    assert "As here" in signed_in.get(address).content.decode()


def test_who_manages_by_a_share_pushes_ours(
    client: Client,
    made: Instance,
    account: Account,
    address: str,
    make_user: Callable[..., User],
    operator: User,
) -> None:
    tara = make_user("tara")
    Share.objects.create(instance=made, user=tara, level="manage", granted_by=operator)
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    client.force_login(tara)
    assert "asked to become as it is here" in post(client, address, "push")
    work(2)
    assert account.only_instance()["name"] == made.name
    assert ListedInstance.objects.get().standing == Standing.MATCHES


def test_what_changed_since_it_was_shown_is_left_alone(
    signed_in: Client, made: Instance, account: Account, address: str
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    form = {"choice": "accept", "digest": ListedInstance.objects.get().digest}
    account.change_instance(made.remote_id or 0, name="Renamed again")
    synchronize()
    assert "Nothing was done" in signed_in.post(address, form, follow=True).content.decode()
    made.refresh_from_db()
    assert made.name != "Renamed again"


def give_away(instance: Instance, organization: Organization) -> None:
    """Let another organization with the same account have it."""
    other = Organization.objects.create(
        name="Other",
        base_url=organization.base_url,
        user_secret="ce1.x",
        organization_secret="ce1.x",
        secrets_set_at=instance.created_at,
    )
    Instance.objects.update(organization=other)


def test_no_admin_decides_about_an_instance_of_another_organization(
    made: Instance, account: Account, organization: Organization, member: Callable[..., User]
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    give_away(made, organization)
    done = operations.decide_listed(
        actor=member(Role.ADMIN, "ada"),
        organization=organization,
        choice=DriftChoice.ACCEPT,
        rows=list(ListedInstance.objects.all()),
    )
    assert (done, Instance.objects.get().name) == (0, made.name)


def test_every_door_wants_who_manages_it(made: Instance, member: Callable[..., User]) -> None:
    digest = ListedInstance.objects.get().digest
    with pytest.raises(access.NotAllowedError):
        operations.decide_drift(
            actor=member(Role.OPERATOR, "otto"),
            instance=made,
            choice=DriftChoice.ACCEPT,
            digest=digest,
        )


def test_another_organization_with_the_same_account_is_not_told(
    made: Instance, account: Account, organization: Organization
) -> None:
    give_away(made, organization)
    account.change_instance(made.remote_id or 0, name="Renamed there")
    Organization.objects.filter(pk=organization.pk).update(audit_due_at=Now())
    searching.run()
    line = ListedInstance.objects.get(organization=organization)
    assert (line.standing, line.instance) == (Standing.MATCHES, None)
