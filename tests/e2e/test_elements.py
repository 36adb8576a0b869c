"""Somebody looks at what the platform offers, in a real browser, with a real worker behind it."""

import os
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from instances.models import Element, Organization, Role
from sandbox.running import Account
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS
from tests.workers import Worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Ledger" + "0123456789" * 15


@pytest.mark.processes
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_catalog_is_read_searched_and_looked_into(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    operator: User,
    worker: Worker,
    organization: Organization,
    account: Account,
    window: dict[str, int],
    scheme: str,
) -> None:
    account.add_element(key="long", name=LONG, hub="a" * 60, description=f"{LONG} " * 6)
    somebody = visitor(viewport=window, color_scheme=scheme)
    somebody.sign_in(with_password(operator).username)
    page = somebody.page

    def look(name: str) -> None:
        assert somebody.accessibility_violations() == []
        assert somebody.overflow() <= 0
        if folder := os.environ.get("SHOTS"):
            path = f"{folder}/elements-{name}-{window['width']}-{scheme}.png"
            page.screenshot(path=path, full_page=True)

    somebody.visit(reverse("instances:elements", args=[organization.pk]))
    look("none")
    page.get_by_role("button", name="Read now").click()
    # The worker reads while the page is open; nothing is pressed.
    expect(page.locator("tbody tr")).to_have_count(13)
    expect(page.locator("#reading")).to_have_text(re.compile(r"^\s*Read .*\.\s*$"))
    assert page.locator("[hx-trigger]").count() == 0
    look("all")
    page.get_by_role("searchbox").fill("ledgers")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    look("found")
    page.get_by_role("link", name="Ledgers").click()
    expect(page.get_by_role("heading", name="What it asks for")).to_be_visible()
    look("one")
    somebody.visit(Element.objects.get(element_key="long").get_absolute_url())
    look("long")
    somebody.visit(reverse("instances:elements", args=[organization.pk]) + "?q=nothing-like-it")
    look("nothing")


@pytest.mark.parametrize("address", ["instances:elements", "instances:organizations"])
def test_pages_of_elements_belong_to_organizations(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    member: Callable[..., User],
    organization: Organization,
    address: str,
) -> None:
    somebody = visitor(viewport={"width": 1600, "height": 1000})
    somebody.sign_in(with_password(member(Role.VIEWER)).username)
    somebody.visit(reverse(address, args=[organization.pk] if "elements" in address else []))
    marked = somebody.page.locator("#sidebar [aria-current]")
    expect(marked).to_have_text(["Organizations"])
    expect(somebody.page.get_by_role("button", name="Read now")).to_have_count(0)
