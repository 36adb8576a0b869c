"""Organizations: secrets go in and never come out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances import operations, vault
from instances.models import AuditEntry, Membership, Organization, Role
from instances.operations import SecretPair
from instances.vault import Purpose

NEW = "/organizations/new/"
TYPED = {
    "name": "Acme",
    "base_url": "api.cloud-elements.com",
    "user_secret": "planted-user",
    "organization_secret": "planted-organization",
}


@pytest.fixture
def adminer(client: Client, member: Callable[..., User]) -> Client:
    """A browser in which an admin of the organization is signed in."""
    client.force_login(member(Role.ADMIN))
    return client


@pytest.fixture
def root(client: Client, make_user: Any) -> Client:
    """A browser in which a superuser is signed in."""
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    return client


def kept(organization: Organization) -> dict[str, Any]:
    return {"name": organization.name, "base_url": organization.base_url, "is_active": "on"}


def opened(organization: Organization) -> list[str]:
    organization.refresh_from_db()
    return [
        vault.open_sealed(organization, name, purpose=Purpose.CHECK).reveal()
        for name in Organization.sealed_fields
    ]


def test_adding_seals_both_secrets_and_makes_an_admin(root: Client) -> None:
    response = root.post(NEW, TYPED, follow=True)
    organization = Organization.objects.get()
    assert opened(organization) == ["planted-user", "planted-organization"]
    assert Membership.objects.get().role == Role.ADMIN
    assert "planted" not in response.content.decode()


def test_adding_without_secrets_names_both(root: Client) -> None:
    page = root.post(NEW, TYPED | {"user_secret": "", "organization_secret": ""}).content.decode()
    assert page.count("User secret is missing.") == 2
    assert page.count("Organization secret is missing.") == 2


def test_rejected_form_shows_no_secret(root: Client) -> None:
    assert "planted" not in root.post(NEW, TYPED | {"name": ""}).content.decode()


def test_only_whoever_may_adds_organizations(signed_in: Client) -> None:
    assert signed_in.get(NEW).status_code == 404
    assert signed_in.post(NEW, TYPED).status_code == 404
    assert "organizations/new" not in signed_in.get("/organizations/").content.decode()


def test_page_never_shows_secrets_or_ciphertext(
    adminer: Client, organization: Organization
) -> None:
    before = opened(organization)
    page = adminer.get(organization.get_absolute_url()).content.decode()
    assert not [secret for secret in before if secret in page]
    assert "ce1." not in page
    assert "Leave both empty to keep them." in page


def test_empty_secrets_are_kept(adminer: Client, organization: Organization) -> None:
    before = opened(organization)
    adminer.post(organization.get_absolute_url(), kept(organization) | {"name": "Renamed"})
    assert opened(organization) == before
    assert organization.name == "Renamed"


def test_both_secrets_wait_beside_the_old_ones(adminer: Client, organization: Organization) -> None:
    before = opened(organization)
    secrets = {"user_secret": "new-user", "organization_secret": "new-organization"}
    address = organization.get_absolute_url()
    answer = adminer.post(address, kept(organization) | secrets, follow=True).content.decode()
    assert opened(organization) == before
    assert "New secrets are being checked" in answer
    assert "new-user" not in answer
    assert "ce1." not in answer


def test_one_secret_alone_is_refused(adminer: Client, organization: Organization) -> None:
    typed = kept(organization) | {"user_secret": "new-user"}
    page = adminer.post(organization.get_absolute_url(), typed).content.decode()
    assert "Both secrets belong together" in page
    assert "new-user" not in page


def test_another_origin_asks_for_both_secrets_again(
    adminer: Client, organization: Organization
) -> None:
    typed = kept(organization) | {"base_url": "staging.cloud-elements.com"}
    response = adminer.post(organization.get_absolute_url(), typed)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["user_secret", "organization_secret"]
    before = organization.base_url
    organization.refresh_from_db()
    assert organization.base_url == before


def test_host_that_may_not_be_called_is_an_error_of_the_address(
    adminer: Client, organization: Organization
) -> None:
    typed = kept(organization) | {"base_url": "https://evil.example"}
    response = adminer.post(organization.get_absolute_url(), typed)
    assert list(response.context["form"].errors) == ["base_url"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_other_members_look_but_cannot_change(
    client: Client, organization: Organization, member: Callable[..., User], role: Role
) -> None:
    client.force_login(member(role))
    address = organization.get_absolute_url()
    assert "Save changes" not in client.get(address).content.decode()
    assert client.post(address, kept(organization)).status_code == 404


def test_stranger_finds_nothing(client: Client, organization: Organization, make_user: Any) -> None:
    client.force_login(make_user("stranger"))
    assert client.get(organization.get_absolute_url()).status_code == 404
    assert organization.name not in client.get("/organizations/").content.decode()


def test_two_people_who_add_the_same_name_at_the_same_moment(
    organization: Organization, pair: SecretPair
) -> None:
    with pytest.raises(operations.NameTakenError):
        operations.create_organization(
            actor=None, name=organization.name, base_url=organization.base_url, secrets=pair
        )


def test_a_pause_can_be_ended_with_a_question_now(
    signed_in: Client, organization: Organization
) -> None:
    later = timezone.now() + timedelta(hours=1)
    Organization.objects.update(breaker="open", paused_until=later, failing_since=later)
    url = reverse("instances:organization_probe", args=[organization.pk])
    assert "Ask now" in signed_in.get(organization.get_absolute_url()).content.decode()
    signed_in.post(url)
    organization.refresh_from_db()
    assert organization.paused_until
    assert organization.paused_until <= timezone.now()
    assert AuditEntry.objects.filter(action="organization.probe_requested").count() == 1


def test_nothing_is_asked_where_calls_are_not_paused(
    signed_in: Client, organization: Organization
) -> None:
    url = reverse("instances:organization_probe", args=[organization.pk])
    answer = signed_in.post(url, follow=True)
    assert "Calls are not paused any more." in answer.content.decode()


def test_an_admin_limits_the_calls_of_an_organization(
    member: Callable[..., User], organization: Organization
) -> None:
    client = Client()
    client.force_login(member(Role.ADMIN))
    fields = {"name": organization.name, "base_url": organization.base_url, "is_active": "on"}
    client.post(organization.get_absolute_url(), fields | {"calls_in_flight": "3"})
    organization.refresh_from_db()
    assert organization.calls_in_flight == 3
    answer = client.post(organization.get_absolute_url(), fields | {"calls_in_flight": "0"})
    assert answer.status_code == 422
