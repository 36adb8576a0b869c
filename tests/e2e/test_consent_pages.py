"""Somebody connects an element over its provider's own page, in a real browser, with a real worker."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from instances.models import (
    Consent,
    Element,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationState,
    Organization,
)
from tests.ceremonies import offer
from tests.e2e.conftest import Visitor
from tests.workers import Worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

Open = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def known_address(settings: Settings, live_server: LiveServer) -> None:
    settings.OAUTH = {"ADDRESS": live_server.url, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def desk(
    visitor: Open, operator: User, with_password: Callable[[User], User], worker: Worker
) -> Visitor:
    """The operator's window, with a worker behind it."""
    window = visitor()
    window.sign_in(with_password(operator).username)
    return window


def ask(window: Visitor, element: Element) -> None:
    """Fill in the element's form and send it."""
    page = window.page
    window.visit(element.get_absolute_url())
    page.get_by_role("link", name="New instance").last.click()
    page.get_by_label("Name").fill("Sales")
    page.get_by_label("API Key").fill("client-of-ours")
    page.get_by_label("API Secret").fill("its-long-secret")
    page.get_by_role("button", name="Continue at").click()
    expect(page.get_by_role("heading", name="Your turn")).to_be_visible()


def leave(window: Visitor) -> None:
    window.page.get_by_role("link", name="Continue at").click()
    expect(window.page.get_by_role("heading", name="Connect to")).to_be_visible()


@pytest.mark.parametrize(("key", "kind"), [("sfdc", "oauth2"), ("quickbooks", "oauth1")])
def test_consent_leads_to_an_active_instance(
    desk: Visitor, organization: Organization, key: str, kind: str
) -> None:
    ask(desk, offer(organization, key, kind))
    assert desk.accessibility_violations() == []
    assert desk.overflow() <= 0
    leave(desk)
    desk.page.get_by_role("button", name="Allow").click()
    expect(desk.page.locator(".status-active").first).to_be_visible()
    assert desk.page.url.endswith(Instance.objects.get().get_absolute_url())
    assert Instance.objects.get().status == InstanceStatus.ACTIVE


def test_denial_is_told_on_the_page(desk: Visitor, organization: Organization) -> None:
    ask(desk, offer(organization, "sfdc", "oauth2"))
    leave(desk)
    desk.page.get_by_role("button", name="Deny").click()
    expect(desk.page.get_by_text("It was not allowed at")).to_be_visible()
    expect(desk.page.get_by_role("heading", name="Canceled")).to_be_visible()


def test_request_that_is_left_alone_ends_on_the_open_page(
    desk: Visitor, organization: Organization
) -> None:
    ask(desk, offer(organization, "sfdc", "oauth2"))
    Consent.objects.update(expires_at=timezone.now())
    Operation.objects.update(next_run_at=Now())
    expect(desk.page.get_by_text("Nobody came back from")).to_be_visible()


def test_coming_back_twice_does_nothing_more(desk: Visitor, organization: Organization) -> None:
    ask(desk, offer(organization, "sfdc", "oauth2"))
    returns: list[str] = []
    desk.page.on("request", lambda request: returns.append(request.url))
    leave(desk)
    desk.page.get_by_role("button", name="Allow").click()
    expect(desk.page.locator(".status-active").first).to_be_visible()
    (back,) = [url for url in returns if reverse("instances:oauth_callback") in url]
    desk.page.goto(back)
    expect(desk.page.get_by_text("Nothing was done a second time")).to_be_visible()
    assert Instance.objects.count() == 1


def test_another_window_may_not_come_back(
    desk: Visitor, organization: Organization, visitor: Open
) -> None:
    ask(desk, offer(organization, "sfdc", "oauth2"))
    leave(desk)
    other = visitor()
    other.page.goto(desk.page.url)
    other.page.get_by_role("button", name="Allow").click()
    expect(other.page.get_by_role("heading", name="not the browser that left")).to_be_visible()
    assert other.accessibility_violations() == []
    desk.page.get_by_role("button", name="Allow").click()
    expect(desk.page.locator(".status-active").first).to_be_visible()


def test_instance_is_allowed_again_under_its_id(desk: Visitor, organization: Organization) -> None:
    ask(desk, offer(organization, "sfdc", "oauth2"))
    leave(desk)
    desk.page.get_by_role("button", name="Allow").click()
    expect(desk.page.locator(".status-active").first).to_be_visible()
    made = Instance.objects.get().remote_id
    desk.visit(reverse("instances:reauthenticate", args=[Instance.objects.get().pk]))
    desk.page.get_by_role("link", name="Allow it again").click()
    assert desk.accessibility_violations() == []
    desk.page.get_by_label("API key").fill("client-of-ours")
    desk.page.get_by_label("API secret").fill("its-long-secret")
    desk.page.get_by_role("button", name="Continue at the provider").click()
    leave(desk)
    desk.page.get_by_role("button", name="Allow").click()
    expect(desk.page.get_by_text("You came back from the provider")).to_be_visible()
    expect(desk.page.locator(".status-active").first).to_be_visible()
    done = Operation.objects.get(kind=OperationKind.REAUTHENTICATE)
    assert (done.state, done.remote_id) == (OperationState.SUCCEEDED, made)
