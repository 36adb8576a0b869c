"""The start page in a browser: what one sees first, in both schemes and on a phone."""

import os
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from instances.models import Health, HealthCount, Instance, Organization
from instances.models.health import today
from sandbox.running import Account
from tests.cases import absent_twice, work
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]


@pytest.fixture
def busy_desk(ask: Ask, account: Account, organization: Organization) -> Organization:
    """An organization with a month behind it, two broken instances and a decision to make."""
    for name, problem in (("Billing sandbox", "invalid"), ("Invoices Europe", "token")):
        instance = ask(name=name)
        work()
        Health.objects.filter(instance=instance).update(
            state="action_needed",
            problem=problem,
            since=timezone.now() - timedelta(hours=3),
            checked_at=timezone.now(),
        )
    absent_twice(ask, account, name="Customer import")
    chance = random.Random(3)
    for back in range(26):
        bad = chance.randrange(0, 30)
        HealthCount.objects.create(
            organization=organization,
            day=today() - timedelta(days=back),
            counted_at=timezone.now(),
            healthy=1240 - bad - back * 9,
            action_needed=bad,
            retrying=3,
            disabled=12,
        )
    return organization


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_the_start_page_is_accessible_and_fits(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    busy_desk: Organization,
    operator: User,
    window: dict[str, int],
    scheme: str,
) -> None:
    with_password(operator)
    somebody = visitor(viewport=window, color_scheme=scheme)
    somebody.sign_in("olivia")
    somebody.visit("/")
    page = somebody.page
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/overview-{window['width']}-{scheme}.png", full_page=True)
    expect(page.locator(".agenda")).to_contain_text("1 request or finding")
    page.get_by_role("link", name="Billing sandbox").first.click()
    expect(page.locator("#health")).to_contain_text("Authenticate it again")


def test_who_sees_nothing_is_told_how_that_changes(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    busy_desk: Organization,
    make_user: Callable[..., User],
) -> None:
    with_password(make_user("tara"))
    somebody = visitor()
    somebody.sign_in("tara")
    somebody.visit("/")
    expect(somebody.page.get_by_role("heading", name="Nothing needs you")).to_be_visible()
    expect(somebody.page.locator("main")).not_to_contain_text("Billing sandbox")


@pytest.mark.parametrize("window", WINDOWS)
def test_the_list_tells_health_and_is_filtered_by_it(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    busy_desk: Organization,
    operator: User,
    window: dict[str, int],
) -> None:
    with_password(operator)
    somebody = visitor(viewport=window)
    somebody.sign_in("olivia")
    somebody.visit("/")
    page = somebody.page
    page.get_by_role("list", name="Instances by state").get_by_role(
        "link", name="Action needed"
    ).click()
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(2)
    expect(rows.first.locator(".states")).to_be_visible()
    expect(rows.first.locator(".states")).to_contain_text("Action needed")
    page.get_by_label("Health", exact=True).select_option("Healthy")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    assert somebody.accessibility_violations() == []
