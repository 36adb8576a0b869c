"""The timeline in a browser: lines of the platform come by themselves, filters and pages work."""

import os
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from instances.engine import health
from instances.models import Instance, Share, ShareLevel
from sandbox.running import Account
from tests.cases import work
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS
from tests.workers import Worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]


@pytest.fixture
def watched(ask: Ask, account: Account) -> Instance:
    """An instance that was changed in the vendor's console, and that a program calls."""
    instance = ask()
    work()
    health.enroll()
    instance.refresh_from_db()
    account.add_audit_log(instance.remote_id or 0, user_id=77, ip_address="203.0.113.9")
    account.add_usage(instance.remote_id or 0, count=3, address="198.51.100.4", path="/products")
    account.add_usage(instance.remote_id or 0, count=1, status=401, path="/invoices")
    return instance


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_the_platforms_lines_come_by_themselves(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    worker: Worker,
    watched: Instance,
    operator: User,
    window: dict[str, int],
    scheme: str,
) -> None:
    with_password(operator)
    somebody = visitor(viewport=window, color_scheme=scheme)
    somebody.sign_in("olivia")
    somebody.visit(reverse("instances:instance_activity", args=[watched.pk]))
    page = somebody.page
    expect(page.locator("#timeline")).to_contain_text("203.0.113.9")
    expect(page.locator("#timeline")).to_contain_text("The platform's logs were read")
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/timeline-{window['width']}-{scheme}.png", full_page=True)
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page.locator("#timeline")).not_to_contain_text("203.0.113.9")
    expect(page.locator("#timeline")).to_contain_text("198.51.100.4")


def test_who_may_only_look_reads_it_without_javascript(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    make_user: Callable[..., User],
    watched: Instance,
    operator: User,
) -> None:
    tara = with_password(make_user("tara"))
    Share.objects.create(instance=watched, user=tara, level=ShareLevel.VIEW, granted_by=operator)
    somebody = visitor(java_script_enabled=False)
    somebody.sign_in("tara")
    somebody.visit(reverse("instances:instance_activity", args=[watched.pk]))
    page = somebody.page
    page.get_by_role("button", name="Read now").click()
    expect(page.locator("#timeline")).to_contain_text("Reading the platform's logs")
    health.run(watched.organization)
    page.reload()
    expect(page.locator("#timeline")).to_contain_text("203.0.113.9")
