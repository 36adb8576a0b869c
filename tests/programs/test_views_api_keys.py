"""The pages of keys: what is asked, what is shown once, who sees which."""

import re
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from instances import operations
from instances.models import ApiKey, Organization, Role
from tests.programs.conftest import MakeKey

pytestmark = pytest.mark.django_db
NEW = "/account/keys/new/"


@pytest.fixture
def filled(organization: Organization) -> dict[str, object]:
    return {
        "name": "Nightly export",
        "organization": organization.pk,
        "scopes": ["read", "reveal"],
        "days": "30",
        "networks": "192.0.2.0/24, 2001:db8::/32",
        "client_request_id": str(uuid.uuid4()),
    }


def key_on(page: str) -> str:
    (found,) = re.findall(r"Authorization: Bearer (edk_\w+)<", page)
    return str(found)


def test_a_key_is_shown_once_as_the_whole_header(
    signed_in: Client, filled: dict[str, object]
) -> None:
    answer = signed_in.post(NEW, filled)
    key = operations.know_api_key(key_on(answer.content.decode()), address="192.0.2.1")
    assert (key.name, [*key.scopes], key.networks) == (
        *("Nightly export", ["read", "reveal"]),
        ["192.0.2.0/24", "2001:db8::/32"],
    )
    assert answer["Cache-Control"] == "no-store"
    again = signed_in.post(NEW, filled, follow=True).content.decode()
    assert "cannot be shown again" in again
    assert "Bearer" not in again
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("name", ["key_new", "key_rotate"])
def test_who_has_not_shown_just_now_who_they_are_is_asked_first(
    signed_in: Client,
    filled: dict[str, object],
    make_key: MakeKey,
    settings: Settings,
    name: str,
) -> None:
    settings.SIGN_IN = {**settings.SIGN_IN, "CHECK_SECONDS": 300.0}
    key, _ = make_key()
    path = reverse(f"instances:{name}", args=[key.pk] if name == "key_rotate" else [])
    answer = signed_in.post(path, filled | {"overlap": "7"})
    assert answer["Location"].startswith(reverse("instances:confirm"))
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Name is missing."),
        ("scopes", [], "Choose what it may do."),
        ("organization", "", "Organization is missing: choose one."),
        ("networks", "192.0.2.0/33", "is no address or network"),
        ("networks", "192.0.2.1/24", "is no address or network"),
        ("days", "4000", "Select a valid choice"),
        ("scopes", ["everything"], "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said(
    signed_in: Client, filled: dict[str, object], field: str, value: object, said: str
) -> None:
    answer = signed_in.post(NEW, filled | {field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_nobody_is_offered_an_organization_of_others(
    filled: dict[str, object], make_user: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(make_user("stranger"))
    assert client.post(NEW, filled).status_code == 422
    assert not ApiKey.objects.exists()


def test_rotating_shows_the_successor_once(signed_in: Client, make_key: MakeKey) -> None:
    key, text = make_key()
    path = reverse("instances:key_rotate", args=[key.pk])
    answer = signed_in.post(path, {"overlap": "7", "client_request_id": str(uuid.uuid4())})
    shown = key_on(answer.content.decode())
    assert operations.know_api_key(shown, address="").replaces == key
    assert operations.know_api_key(text, address="") == key
    assert "Rotate" in signed_in.get(reverse("instances:keys")).content.decode()


def test_revoked_by_an_admin_it_is_over_and_says_by_whom(
    signed_in: Client, make_key: MakeKey, member: Callable[..., User]
) -> None:
    key, text = make_key()
    admin = Client()
    admin.force_login(member(Role.ADMIN, "ada"))
    answer = admin.post(reverse("instances:key_revoke", args=[key.pk]), follow=True)
    assert answer.redirect_chain[-1][0].endswith(f"/organizations/{key.organization_id}/keys/")
    with pytest.raises(operations.KeyRefusedError):
        operations.know_api_key(text, address="")
    page = signed_in.get(reverse("instances:keys")).content.decode()
    assert "Revoked" in page
    assert "ada" in page


def test_each_sees_their_own_and_admins_those_of_their_organization(
    signed_in: Client,
    make_key: MakeKey,
    member: Callable[..., User],
    organization: Organization,
) -> None:
    other = member(Role.ADMIN, "ada")
    make_key(other, name="Of somebody else")
    assert "Of somebody else" not in signed_in.get(reverse("instances:keys")).content.decode()
    admin = Client()
    admin.force_login(other)
    make_key(name="Of Olivia")
    page = admin.get(reverse("instances:organization_keys", args=[organization.pk]))
    assert {"Of Olivia", "Of somebody else"} <= set(
        re.findall(r"<bdi>(Of [^<]+)<", page.content.decode())
    )


def test_a_page_of_keys_costs_the_same_however_many(
    signed_in: Client,
    make_key: MakeKey,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(8):
        make_key(name=f"Key {number}")
    with django_assert_max_num_queries(12):
        signed_in.get(reverse("instances:keys"))
