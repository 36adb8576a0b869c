"""An instance is rotated in a real browser, by who may, with a real worker behind it."""

import os
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from instances.models import Instance, InstanceStatus, Rotation
from sandbox.running import Account
from tests.e2e.conftest import Visitor
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

Enter = Callable[[User], Visitor]


@pytest.fixture
def made(worker: Worker, ask: Callable[..., Instance]) -> Instance:
    """An instance that the worker has made."""
    instance = ask(name="Billing sandbox")
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.ACTIVE)
    return Instance.objects.get(pk=instance.pk)


@pytest.fixture
def enter(
    made: Instance, visitor: Callable[..., Visitor], with_password: Callable[[User], User]
) -> Enter:
    """Open the page of `made` as somebody."""

    def enter(user: User) -> Visitor:
        window = visitor(viewport={"width": 1280, "height": 900})
        window.sign_in(with_password(user).username)
        window.visit(made.get_absolute_url())
        return window

    return enter


def begin(window: Visitor, username: str, password: str) -> None:
    """Fill in the form and begin the rotation."""
    window.page.locator(".page-actions").get_by_role("link", name="Rotate", exact=True).click()
    assert_fits(window, "form")
    window.page.locator("#id_username").fill(username)
    window.page.locator("#id_password").fill(password)
    window.page.get_by_role("button", name="Begin the rotation").click()


def assert_fits(window: Visitor, name: str) -> None:
    """See that the page is accessible and fits a telephone; keep pictures when asked for."""
    assert window.accessibility_violations() == []
    folder = os.environ.get("ROTATION_PICTURES")
    for scheme in ("light", "dark"):
        for width in (1600, 360):
            window.page.emulate_media(color_scheme=scheme)
            window.page.set_viewport_size({"width": width, "height": 900})
            assert window.overflow() == 0
            if folder:
                path = f"{folder}/{name}-{scheme}-{width}.png"
                window.page.screenshot(path=path, full_page=True)
    window.page.set_viewport_size({"width": 1280, "height": 900})


def test_who_manages_it_rotates_it_finishes_and_undoes(
    enter: Enter, operator: User, account: Account
) -> None:
    window = enter(operator)
    page = window.page
    begin(window, account.sandbox.username, account.sandbox.password)
    panel = page.locator("#rotation")
    expect(panel.get_by_role("heading")).to_contain_text("both work until", timeout=30_000)
    assert_fits(window, "both")
    panel.get_by_role("link", name="Billing sandbox", exact=True).click()
    panel.get_by_role("link", name="Finish now").click()
    assert_fits(window, "finish")
    page.get_by_role("button", name="Finish now").click()
    wait_for(lambda: Rotation.objects.get().state == "leaving")
    wait_for(lambda: Instance.objects.get(name="Billing sandbox").is_active)
    page.reload()
    expect(panel.get_by_role("heading")).to_contain_text("the old one is leaving")
    expect(page.get_by_role("heading", name="To be deleted in")).to_be_visible()
    assert_fits(window, "leaving")
    panel.get_by_role("link", name="Undo: keep the old one").click()
    page.get_by_role("button", name="Keep the old one").click()
    expect(page.get_by_role("link", name="Delete this new one")).to_be_visible()
    wait_for(lambda: len([one for one in account.instances() if not one["disabled"]]) == 2)


def test_a_refused_twin_leaves_the_old_one_as_it_was(
    enter: Enter, operator: User, account: Account
) -> None:
    window = enter(operator)
    begin(window, "somebody", "not-the-password")
    expect(window.page.get_by_role("heading", name="Rejected")).to_be_visible(timeout=30_000)
    wait_for(lambda: Rotation.objects.get().state == "ended")
    assert not account.only_instance()["disabled"]
