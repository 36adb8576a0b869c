"""An instance that exists is changed in a real browser, by who may, with a real worker behind it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from instances.models import Instance, InstanceStatus, Role, Share
from sandbox.running import Account
from tests.e2e.conftest import Visitor
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

Open = Callable[..., Visitor]
Enter = Callable[[str], Visitor]
# Who may change an instance, and who may not.
MAY, MAY_NOT = ("owner", "admin", "manage"), ("viewer", "operator", "view", "use")


@pytest.fixture
def made(worker: Worker, ask: Callable[..., Instance]) -> Instance:
    """An instance that the worker has made."""
    instance = ask(name="Billing sandbox")
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.ACTIVE)
    return Instance.objects.get(pk=instance.pk)


@pytest.fixture
def enter(
    made: Instance,
    visitor: Open,
    operator: User,
    member: Callable[..., User],
    make_user: Callable[..., User],
    with_password: Callable[[User], User],
) -> Enter:
    """Open the page of `made` as somebody of a role or a share."""

    def shared(level: str) -> User:
        user = make_user(f"with-{level}")
        until = timezone.now() + timedelta(days=1)
        Share.objects.create(
            instance=made, user=user, level=level, granted_by=operator, expires_at=until
        )
        return user

    def person(role: str) -> User:
        if role == "owner":
            return operator
        return member(Role(role), f"the-{role}") if role in Role.values else shared(role)

    def enter(role: str) -> Visitor:
        user = with_password(person(role))
        window = visitor(viewport={"width": 1280, "height": 900})
        window.sign_in(user.username)
        window.visit(made.get_absolute_url())
        return window

    return enter


def act(page: Page, name: str) -> None:
    """Follow one of the actions in the head of the page."""
    page.locator(".page-actions").get_by_role("link", name=name, exact=True).click()


def is_disabled(account: Account) -> bool:
    return bool(account.only_instance()["disabled"])


@pytest.mark.parametrize("role", MAY)
def test_who_manages_it_disables_and_enables_it(role: str, enter: Enter, account: Account) -> None:
    window = enter(role)
    page = window.page
    act(page, "Disable")
    assert window.accessibility_violations() == []
    page.get_by_label("Reason").fill("Maintenance until Friday.")
    page.get_by_role("button", name="Disable it").click()
    expect(page.locator(".page-head .status-disabled")).to_be_visible()
    expect(page.get_by_text("Maintenance until Friday.")).to_be_visible()
    assert is_disabled(account)
    assert window.accessibility_violations() == []
    act(page, "Enable")
    page.get_by_label("Reason").fill("Done.")
    page.get_by_role("button", name="Enable it").click()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    assert not is_disabled(account)


@pytest.mark.parametrize("role", MAY_NOT)
def test_who_does_not_manage_it_finds_no_action(role: str, enter: Enter, made: Instance) -> None:
    window = enter(role)
    expect(window.page.get_by_role("heading", name="Billing sandbox")).to_be_visible()
    expect(window.page.get_by_role("link", name="Disable")).to_have_count(0)
    window.visit(f"/instances/{made.pk}/disable/")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Page not found")


def test_a_refusal_is_shown_and_the_instance_stays(enter: Enter, account: Account) -> None:
    said = "Not while a formula runs."
    account.fault("status", method="DELETE", path="/instances", status=400, message=said)
    page = enter("owner").page
    act(page, "Disable")
    page.get_by_label("Reason").fill("Maintenance.")
    page.get_by_role("button", name="Disable it").click()
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".page-head .status-active")).to_be_visible()


def test_a_lost_answer_is_told_while_it_is_looked_up(enter: Enter, account: Account) -> None:
    account.fault("commit then drop", method="DELETE", path="/instances")
    account.fault("latency", method="GET", path="/organizations", skip=1, seconds=3)
    page = enter("owner").page
    act(page, "Disable")
    page.get_by_label("Reason").fill("Maintenance.")
    page.get_by_role("button", name="Disable it").click()
    expect(page.get_by_text("outcome unknown")).to_be_visible()
    expect(page.locator(".page-head .status-disabled")).to_be_visible()
    sent = [entry for entry in account.ledger() if entry.path.endswith("/enabled")]
    assert len(sent) == 1
