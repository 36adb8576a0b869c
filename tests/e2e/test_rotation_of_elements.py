"""Instances of other elements are rotated in a real browser; who may not begin is told why."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from instances.models import (
    Element,
    Instance,
    Organization,
    Role,
    Rotation,
    Share,
    ShareLevel,
)
from sandbox.running import Account
from tests.ceremonies import offer
from tests.e2e.conftest import Visitor
from tests.e2e.test_rotation_pages import assert_fits
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def known_address(settings: Settings, live_server: LiveServer) -> None:
    settings.OAUTH = {"ADDRESS": live_server.url, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def desk(
    visitor: Callable[..., Visitor],
    operator: User,
    with_password: Callable[[User], User],
    worker: Worker,
) -> Visitor:
    """The operator's window, with a worker behind it."""
    window = visitor(viewport={"width": 1280, "height": 900})
    window.sign_in(with_password(operator).username)
    return window


def ledgers(page: Page) -> None:
    page.get_by_label("Code").fill("EU-7")
    page.get_by_label("Pass Phrase").fill("open sesame 42")
    page.get_by_label("Certificate").fill("-----BEGIN-----\nabc\n-----END-----")
    page.get_by_label("Currency").select_option("EUR")


def application(page: Page) -> None:
    page.get_by_label("API Key").fill("client-of-ours")
    page.get_by_label("API Secret").fill("its-long-secret")


def create(desk: Visitor, element: Element, fill: Callable[[Page], None], button: str) -> None:
    desk.visit(
        reverse("instances:element_new", args=[element.organization_id, element.element_key])
    )
    desk.page.locator("#id_name").fill("The old one")
    fill(desk.page)
    desk.page.get_by_role("button", name=button).click()


def allow(desk: Visitor, answer: str = "Allow") -> None:
    desk.page.get_by_role("link", name="Continue at").click()
    desk.page.get_by_role("button", name=answer).click()


def rotate(desk: Visitor, fill: Callable[[Page], None], picture: str) -> None:
    actions = desk.page.locator(".page-actions")
    actions.get_by_role("link", name="Rotate", exact=True).click()
    assert_fits(desk, picture)
    fill(desk.page)
    desk.page.get_by_role("button", name="Begin the rotation").click()


def test_any_element_is_rotated_in_its_own_form(desk: Visitor, organization: Organization) -> None:
    create(desk, offer(organization, "ledgers", "custom"), ledgers, "Create instance")
    expect(desk.page.locator(".status-active").first).to_be_visible()
    rotate(desk, ledgers, "ledgers")
    heading = desk.page.locator("#rotation").get_by_role("heading")
    expect(heading).to_contain_text("both work until", timeout=30_000)


def test_entry_that_is_missing_is_named_beside_its_field(
    desk: Visitor, organization: Organization
) -> None:
    create(desk, offer(organization, "ledgers", "custom"), ledgers, "Create instance")
    expect(desk.page.locator(".status-active").first).to_be_visible()
    rotate(desk, lambda page: page.get_by_label("Code").fill(""), "ledgers")
    expect(desk.page.get_by_text("(ledgers.code) is missing").first).to_be_visible()
    assert_fits(desk, "ledgers-missing")
    assert not Rotation.objects.exists()


def test_oauth_element_is_rotated_by_its_own_consent(
    desk: Visitor, organization: Organization, account: Account
) -> None:
    create(desk, offer(organization, "sfdc", "oauth2"), application, "Continue at")
    allow(desk)
    expect(desk.page.locator(".status-active").first).to_be_visible()
    rotate(desk, application, "oauth")
    expect(desk.page.get_by_role("heading", name="Your turn")).to_be_visible()
    panel = desk.page.locator("#rotation")
    expect(panel.get_by_role("heading")).to_contain_text("waits to be allowed")
    assert_fits(desk, "oauth-waits")
    allow(desk)
    wait_for(lambda: Rotation.objects.get().state not in ("creating", "ended"))
    assert len(account.instances()) == 2


def test_denied_consent_leaves_the_old_one(
    desk: Visitor, organization: Organization, account: Account
) -> None:
    create(desk, offer(organization, "sfdc", "oauth2"), application, "Continue at")
    allow(desk)
    expect(desk.page.locator(".status-active").first).to_be_visible()
    rotate(desk, application, "oauth")
    allow(desk, "Deny")
    expect(desk.page.get_by_role("heading", name="Canceled")).to_be_visible()
    wait_for(lambda: Rotation.objects.get().state == "ended")
    assert not account.only_instance()["disabled"]


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_share_does_not_let_somebody_begin_and_the_page_says_why(
    role: Role | None,
    active: Instance,
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    make_user: Callable[..., User],
    member: Callable[..., User],
) -> None:
    guest = member(role, "guest") if role else make_user("guest")
    Share.objects.create(
        instance=active, user=guest, level=ShareLevel.MANAGE, granted_by=active.owner
    )
    window = visitor(viewport={"width": 1280, "height": 900})
    window.sign_in(with_password(guest).username)
    window.visit(active.get_absolute_url())
    actions = window.page.locator(".page-actions")
    actions.get_by_role("link", name="Rotate", exact=True).click()
    expect(window.page.get_by_text("a share of one instance does not include it")).to_be_visible()
    assert_fits(window, "not-theirs")
    window.page.get_by_role("link", name="Re-authenticate").click()
    expect(window.page.get_by_role("heading", level=1)).to_contain_text("Re-authenticate")
