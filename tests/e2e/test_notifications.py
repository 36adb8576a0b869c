"""The bell, its page, and how somebody wants to be told, in a browser."""

import os
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from instances.engine import spreading
from instances.models import (
    DeliveryState,
    DeliveryTry,
    Instance,
    Membership,
    NoticeKind,
    Notification,
    Role,
)
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS
from tests.telling.steps import add_delivery, add_webhook, note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ["/notifications/", "/account/notifications/"]


@pytest.fixture
def told(active: Instance) -> Instance:
    """An instance of which its owner was told everything, one part of it read."""
    active.name = "Billing and accounts receivable of all of Northern Europe, a sandbox"
    active.save()
    for kind in NoticeKind:
        note(active, kind)
    spreading.run()
    Notification.objects.filter(notice__kind=NoticeKind.CREATED).update(read_at="2026-01-01T00:00Z")
    return active


def webhook_pages(active: Instance, operator: User) -> list[str]:
    """A webhook with messages of every fate, and the address of each page about it."""
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    webhook = add_webhook(active.organization)
    for state in DeliveryState.values:
        delivery = add_delivery(webhook)
        DeliveryTry.objects.create(
            delivery=delivery,
            http_status=503,
            milliseconds=1234,
            answer="<b>no</b> such thing, said at some length, in one_word_that_is_" + "long" * 20,
        )
        type(delivery).objects.filter(pk=delivery.pk).update(state=state, tries=2)
    of_all = f"/organizations/{active.organization_id}/webhooks/"
    own = f"/webhooks/{webhook.pk}/"
    return [of_all, f"{of_all}new/", own, f"{own}remove/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_pages_are_accessible_and_fit(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    told: Instance,
    operator: User,
    window: dict[str, int],
    scheme: str,
) -> None:
    with_password(operator)
    somebody = visitor(viewport=window, color_scheme=scheme)
    somebody.sign_in("olivia")
    problems = {}
    for path in [*PAGES, *webhook_pages(told, operator)]:
        somebody.visit(path)
        if shots := os.environ.get("SHOTS"):
            words = [word for word in path.split("/") if word and len(word) < 30]
            name = "-".join([*words, scheme, str(window["width"])])
            somebody.page.screenshot(path=f"{shots}/{name}.png", full_page=True)
        problems[path] = somebody.accessibility_violations()
        if (wider := somebody.overflow()) > 0:
            problems[path].append(f"{wider} pixels wider than the window")
    assert {path: found for path, found in problems.items() if found} == {}


def test_bell_is_read_and_choices_are_kept_without_javascript(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    told: Instance,
    operator: User,
) -> None:
    with_password(operator)
    somebody = visitor(java_script_enabled=False)
    somebody.sign_in("olivia")
    page = somebody.page
    bell = page.get_by_label("Main").get_by_role("link", name="Notifications")
    expect(bell).to_have_accessible_name("Notifications 8 unread")
    bell.click()
    page.get_by_role("button", name=told.name, exact=True).first.click()
    expect(page).to_have_url(somebody.address + told.get_absolute_url())
    expect(bell).to_have_accessible_name("Notifications 7 unread")
    bell.click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(bell).to_have_accessible_name("Notifications")
    page.get_by_role("link", name="How you are told").click()
    page.get_by_label("Created: e-mail").select_option("In the daily digest")
    page.get_by_label("Failed: in the bell").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Created: e-mail")).to_have_value("daily")
    expect(page.get_by_label("Failed: in the bell")).not_to_be_checked()


def test_a_webhook_is_added_and_its_secret_shown_once(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    told: Instance,
    operator: User,
) -> None:
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    with_password(operator)
    somebody = visitor(viewport={"width": 360, "height": 800}, color_scheme="dark")
    somebody.sign_in("olivia")
    somebody.visit(f"/organizations/{told.organization_id}/webhooks/new/")
    page = somebody.page
    page.get_by_label("Name").fill("On call")
    page.get_by_label("Address").fill("https://hooks.example.com/in")
    page.get_by_role("button", name="Add webhook").click()
    expect(page.locator(".id code")).to_contain_text("whsec_")
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("Waiting")).to_be_visible()
    assert "whsec_" not in page.content()
