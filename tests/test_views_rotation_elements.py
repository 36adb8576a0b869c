"""An instance of any element is rotated; of an OAuth element by a consent of the twin's own."""

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from instances.engine import rotating
from instances.models import (
    Element,
    Instance,
    InstanceStatus,
    Organization,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
)
from sandbox.running import Account
from tests.ceremonies import ADDRESS, come_back, decide, leave, offer, work

pytestmark = pytest.mark.django_db(transaction=True)

APPLICATION = {
    "entry.oauth.api.key": "client-of-ours",
    "entry.oauth.api.secret": "its-long-secret",
}
BOOKED = {
    "entry.ledgers.code": "EU-7",
    "entry.ledgers.pass.phrase": "open sesame 42",
    "entry.ledgers.certificate": "-----BEGIN-----",
    "entry.ledgers.currency": "EUR",
    "entry.ledgers.readonly": "true",
}
R = RotationState


@pytest.fixture(autouse=True)
def known_address(settings: Settings) -> None:
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}


def rotate_address(instance: Instance) -> str:
    return reverse("instances:rotate", args=[instance.pk])


def typed(**changes: str) -> dict[str, str]:
    """Return what a browser sends of every twin."""
    base = {"name": "Twin", "tags": "", "days": "2", "client_request_id": str(uuid.uuid4())}
    return base | changes


def connected(browser: Client, element: Element) -> Instance:
    """Return an instance that somebody allowed at the provider."""
    form = reverse("instances:element_new", args=[element.organization_id, element.element_key])
    browser.post(form, typed(name="Sales", environment="sandbox") | APPLICATION)
    instance = Instance.objects.get()
    allow(browser, instance)
    return Instance.objects.get(pk=instance.pk)


def allow(browser: Client, instance: Instance) -> None:
    work()
    come_back(browser, decide(leave(browser, instance)))
    work()


def step() -> Rotation:
    rotating.step(Rotation.objects.get())
    return Rotation.objects.select_related("new").get()


@pytest.fixture
def booked(signed_in: Client, organization: Organization) -> Instance:
    """An instance of an element with every type of entry."""
    form = reverse(
        "instances:element_new",
        args=[organization.pk, offer(organization, "ledgers", "custom").element_key],
    )
    signed_in.post(form, typed(name="Books", environment="production", tags="emea") | BOOKED)
    work()
    return Instance.objects.get()


def test_form_of_the_twin_is_the_elements_own(signed_in: Client, booked: Instance) -> None:
    assert rotate_address(booked) in signed_in.get(booked.get_absolute_url()).content.decode()
    page = signed_in.get(rotate_address(booked))
    form, text = page.context["form"], page.content.decode()
    assert form["entry.ledgers.code"].value() == "EU-7"
    assert (form["tags"].value(), form["days"].value()) == ("emea", "7")
    assert "sesame" not in text
    assert "Zuora" not in text
    assert "environment" not in form.fields


def test_twin_of_any_element_takes_its_place(signed_in: Client, booked: Instance) -> None:
    signed_in.post(rotate_address(booked), typed() | BOOKED)
    rotation = Rotation.objects.select_related("new").get()
    twin = rotation.new
    assert (twin.element_key, twin.name, twin.environment) == ("ledgers", "Twin", "production")
    assert f"replaces-{booked.remote_id}" in twin.tag_names
    work()
    assert step().state == R.PROVING
    twin.refresh_from_db()
    assert twin.status == InstanceStatus.ACTIVE
    assert twin.configuration["ledgers.code"] == "EU-7"


def test_each_entry_that_is_missing_is_named(signed_in: Client, booked: Instance) -> None:
    page = signed_in.post(rotate_address(booked), typed(days="") | {"entry.ledgers.code": ""})
    text = page.content.decode()
    assert page.status_code == 422
    assert "(ledgers.code) is missing" in text
    assert "Say for how many days" in text
    assert not Rotation.objects.exists()


def test_element_that_nobody_has_read_is_refused_in_words(
    signed_in: Client, booked: Instance
) -> None:
    Element.objects.all().delete()
    page = signed_in.get(rotate_address(booked), follow=True)
    assert page.redirect_chain[-1][0] == booked.get_absolute_url()
    assert "What ledgers asks for is not known here" in page.content.decode()
    signed_in.post(rotate_address(booked), typed() | BOOKED)
    assert not Rotation.objects.exists()


@pytest.mark.parametrize(("key", "kind"), [("sfdc", "oauth2"), ("quickbooks", "oauth1")])
def test_oauth_element_is_rotated_by_a_consent_of_its_own(
    signed_in: Client, organization: Organization, key: str, kind: str, account: Account
) -> None:
    old = connected(signed_in, offer(organization, key, kind))
    assert (
        "A provider may end the earlier consent"
        in signed_in.get(rotate_address(old)).content.decode()
    )
    signed_in.post(rotate_address(old), typed() | APPLICATION)
    twin = Rotation.objects.select_related("new").get().new
    work()
    assert step().state == R.CREATING
    said = "the new one waits to be allowed at its provider"
    for page in (old, twin):
        assert said in signed_in.get(page.get_absolute_url()).content.decode()
    allow(signed_in, twin)
    assert step().state == R.PROVING
    twin.refresh_from_db()
    assert twin.status == InstanceStatus.ACTIVE
    assert {one["id"] for one in account.instances()} == {old.remote_id, twin.remote_id}


def test_consent_that_is_denied_ends_the_rotation_and_leaves_the_old_one(
    signed_in: Client, organization: Organization
) -> None:
    old = connected(signed_in, offer(organization, "sfdc", "oauth2"))
    signed_in.post(rotate_address(old), typed() | APPLICATION)
    twin = Rotation.objects.select_related("new").get().new
    work()
    come_back(signed_in, decide(leave(signed_in, twin), "deny"))
    rotation = step()
    assert rotation.state == R.ENDED
    assert "It was not allowed at" in rotation.message
    old.refresh_from_db()
    assert (old.status, old.is_disabled) == (InstanceStatus.ACTIVE, False)


def test_without_an_address_of_its_own_nothing_begins(
    signed_in: Client, organization: Organization, settings: Settings
) -> None:
    old = connected(signed_in, offer(organization, "sfdc", "oauth2"))
    settings.OAUTH = {"ADDRESS": "", "CONSENT_SECONDS": 1800.0}
    page = signed_in.post(rotate_address(old), typed() | APPLICATION)
    assert page.status_code == 422
    assert "ELEMENTDESK_ADDRESS" in page.content.decode()
    assert not Rotation.objects.exists()


def test_who_manages_by_a_share_is_told_why_not(
    active: Instance, make_user: Callable[..., User]
) -> None:
    browser, guest = Client(), make_user("guest")
    Share.objects.create(
        instance=active, user=guest, level=ShareLevel.MANAGE, granted_by=active.owner
    )
    browser.force_login(guest)
    assert rotate_address(active) in browser.get(active.get_absolute_url()).content.decode()
    text = browser.get(rotate_address(active)).content.decode()
    assert "a share of one instance does not include it" in text
    assert reverse("instances:reauthenticate", args=[active.pk]) in text
    assert browser.post(rotate_address(active), typed()).status_code == 403
    assert not Rotation.objects.exists()


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_share_taken_over_lets_its_holder_decide_on_the_way(
    role: Role | None,
    signed_in: Client,
    active: Instance,
    make_user: Callable[..., User],
    member: Callable[..., User],
) -> None:
    browser, guest = Client(), member(role, "guest") if role else make_user("guest")
    Share.objects.create(
        instance=active, user=guest, level=ShareLevel.MANAGE, granted_by=active.owner
    )
    zuora = {"authentication_type": "basic", "username": "somebody", "password": "typed-7351"}
    signed_in.post(rotate_address(active), typed() | zuora)
    browser.force_login(guest)
    browser.post(reverse("instances:rotation_decide", args=[active.pk, "undo"]))
    rotation = Rotation.objects.get()
    assert (rotation.state, rotation.requester) == (R.ENDED, guest)


def test_operator_with_a_manage_share_rotates(
    active: Instance, member: Callable[..., User]
) -> None:
    browser, colleague = Client(), member(Role.OPERATOR, "colleague")
    browser.force_login(colleague)
    assert browser.get(rotate_address(active)).status_code == 404
    Share.objects.create(
        instance=active, user=colleague, level=ShareLevel.MANAGE, granted_by=active.owner
    )
    zuora = {"authentication_type": "basic", "username": "somebody", "password": "typed-7351"}
    assert browser.post(rotate_address(active), typed() | zuora).status_code == 302
    rotation = Rotation.objects.select_related("new").get()
    assert (rotation.requester, rotation.new.owner) == (colleague, active.owner)
