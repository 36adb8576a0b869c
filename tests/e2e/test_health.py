"""The health of an instance in a browser: a test on demand, pictures, both schemes, a phone."""

import os
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from instances.engine import health
from instances.models import (
    Health,
    HealthCheck,
    HealthDay,
    HealthState,
    Instance,
    Membership,
    Role,
    Share,
    ShareLevel,
)
from instances.models.health import today
from sandbox.running import Account
from tests.cases import work
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS
from tests.workers import Worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]
STATES = [*HealthState]


@pytest.fixture
def lived(ask: Ask, account: Account, operator: User) -> Instance:
    """An instance that was watched for 80 days, with good and bad ones among them."""
    instance = ask(name="Billing sandbox")
    work()
    chance = random.Random(7)
    for back in range(80):
        state = STATES[0] if back % 17 else STATES[chance.randrange(1, 4)]
        checks = chance.randrange(1, 5)
        HealthDay.objects.create(
            instance=instance,
            day=today() - timedelta(days=back),
            state=state,
            checks=checks,
            good=checks if state == HealthState.HEALTHY else 0,
            timed=checks,
            latency_ms=checks * chance.randrange(180, 420),
            latency_most_ms=450,
            calls=back % 5 * 20,
            calls_ms=back % 5 * 20 * chance.randrange(90, 260),
        )
    for number in range(6):
        HealthCheck.objects.create(
            instance=instance,
            method=["record", "ping", "read"][number % 3],
            result=STATES[number % 4],
            http_status=200,
            latency_ms=200 + number,
            request_id="5f3c9a1e77b0",
            message="The platform could not be reached." if number % 4 == 2 else "",
            asked_by=operator if number % 3 else None,
        )
    Health.objects.filter(instance=instance).update(
        state=HealthState.ACTION_NEEDED,
        problem="invalid",
        checked_at=timezone.now(),
        good_at=timezone.now() - timedelta(days=1),
        latency_ms=212,
        due_at=timezone.now() + timedelta(days=1),
    )
    return instance


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_the_page_is_accessible_and_fits(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    lived: Instance,
    operator: User,
    window: dict[str, int],
    scheme: str,
) -> None:
    with_password(operator)
    somebody = visitor(viewport=window, color_scheme=scheme)
    somebody.sign_in("olivia")
    somebody.visit(reverse("instances:instance_health", args=[lived.pk]))
    somebody.page.locator("details.more > summary").click()
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    somebody.page.locator("details.more > summary").click()
    if folder := os.environ.get("SHOTS"):
        somebody.page.screenshot(
            path=f"{folder}/health-{window['width']}-{scheme}.png", full_page=True
        )
    expect(somebody.page.get_by_role("img", name="State on each")).to_be_visible()


def test_a_person_tests_now_and_sees_what_it_found(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    worker: Worker,
    ask: Ask,
    account: Account,
    operator: User,
) -> None:
    instance = ask()
    work()
    with_password(operator)
    somebody = visitor()
    somebody.sign_in("olivia")
    somebody.visit(reverse("instances:detail", args=[instance.pk]))
    page = somebody.page
    page.get_by_role("link", name="Health", exact=True).click()
    expect(page.locator("#health")).to_contain_text("not looked at yet")
    page.get_by_role("button", name="Test now").click()
    expect(page.get_by_role("heading", name="Healthy since")).to_be_visible()
    expect(page.get_by_role("cell", name="Ping for olivia")).to_be_visible()
    account.change_instance(account.only_instance()["id"], provider_status=401)
    page.get_by_role("button", name="Test now").click()
    expect(page.get_by_role("heading", name="Action needed since")).to_be_visible()
    expect(page.locator("#health")).to_contain_text("whoever manages the instance")


def test_the_page_stands_while_the_platform_is_down(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    ask: Ask,
    account: Account,
    operator: User,
) -> None:
    instance = ask()
    work()
    health.enroll()
    account.fault("drop before commit", times=None, method="GET", path="/instances")
    with_password(operator)
    somebody = visitor()
    somebody.sign_in("olivia")
    Health.objects.update(due_at=timezone.now())
    health.run(instance.organization)
    somebody.visit(reverse("instances:instance_health", args=[instance.pk]))
    expect(somebody.page.get_by_role("heading", name="Retrying since")).to_be_visible()
    expect(somebody.page.locator("#health")).to_contain_text("You need not do anything")


# Who it is, by role or by share; whether there is a button to test with.
PEOPLE = [
    (Role.VIEWER, None, False),
    (Role.OPERATOR, None, True),
    (Role.ADMIN, None, True),
    (None, ShareLevel.VIEW, False),
    (None, ShareLevel.USE, True),
    (None, ShareLevel.MANAGE, True),
]


@pytest.mark.parametrize(("role", "level", "may_test"), PEOPLE)
def test_each_who_sees_it_finds_it_on_the_overview_and_tests_as_allowed(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    make_user: Callable[..., User],
    lived: Instance,
    operator: User,
    role: Role | None,
    level: ShareLevel | None,
    may_test: bool,
) -> None:
    nora = with_password(make_user("nora"))
    if role:
        Membership.objects.create(user=nora, organization=lived.organization, role=role)
    if level:
        Share.objects.create(instance=lived, user=nora, level=level, granted_by=operator)
    somebody = visitor()
    somebody.sign_in("nora")
    somebody.visit("/")
    page = somebody.page
    page.locator(".agenda").get_by_role("link", name="Billing sandbox").click()
    expect(page.get_by_role("heading", name="Action needed since")).to_be_visible()
    expect(page.get_by_role("button", name="Test now")).to_have_count(int(may_test))


@pytest.mark.parametrize("days", [None, -1])
def test_who_may_not_see_it_finds_no_trace(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    make_user: Callable[..., User],
    lived: Instance,
    operator: User,
    days: int | None,
) -> None:
    nora = with_password(make_user("nora"))
    if days:
        ended = timezone.now() + timedelta(days=days)
        Share.objects.create(
            instance=lived, user=nora, level="manage", granted_by=operator, expires_at=ended
        )
    somebody = visitor()
    somebody.sign_in("nora")
    for address in ("/", "/attention/", "/instances/?health=action_needed"):
        somebody.visit(address)
        expect(somebody.page.locator("main")).not_to_contain_text("Billing sandbox")
    somebody.visit(reverse("instances:instance_health", args=[lived.pk]))
    expect(somebody.page.get_by_role("heading", name="Page not found")).to_be_visible()
