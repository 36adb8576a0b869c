"""Somebody makes an instance of an element that Elementdesk has no form of its own for."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from instances.models import Instance, Organization, Role
from sandbox.running import Account
from tests.ceremonies import offer
from tests.e2e.conftest import Visitor
from tests.workers import Worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

Fill = Callable[[Page], None]
LOOKS: dict[str, dict[str, Any]] = {
    "wide-light": {"viewport": {"width": 1600, "height": 1000}, "color_scheme": "light"},
    "narrow-dark": {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"},
}


@pytest.fixture(params=LOOKS)
def desk(
    request: pytest.FixtureRequest,
    visitor: Callable[..., Visitor],
    operator: User,
    with_password: Callable[[User], User],
    worker: Worker,
) -> Visitor:
    """The operator's window, wide and light or narrow and dark, with a worker behind it."""
    window = visitor(**LOOKS[request.param])
    window.sign_in(with_password(operator).username)
    return window


def look(window: Visitor, name: str) -> None:
    """Hold the page against what every page must be."""
    if folder := os.environ.get("SHOTS"):
        width = window.page.evaluate("innerWidth")
        window.page.screenshot(path=Path(folder, f"{name}_{width}.png"), full_page=True)
    assert window.accessibility_violations() == []
    assert window.overflow() <= 0


def choose(window: Visitor, name: str) -> None:
    """Go to the form of an element, as somebody goes who begins with a new instance."""
    page = window.page
    window.visit("/instances/new/")
    page.get_by_role("link", name="another element").click()
    look(window, "choose")
    page.get_by_role("searchbox").fill(name[:4])
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=name).click()


def ledgers(page: Page) -> None:
    page.get_by_label("Code").fill("EU-7")
    page.get_by_label("Pass Phrase").fill("open sesame 42")
    page.get_by_label("Certificate").fill("-----BEGIN-----\nabc\n-----END-----")
    page.get_by_label("Currency").select_option("EUR")


def needed(page: Page) -> None:
    for field in page.locator(".field:has(.required)").locator("input, textarea").all():
        if field.get_attribute("name") != "name" and field.is_visible():
            field.fill("https://ours.example.com")


def bigcommerce(page: Page) -> None:
    page.get_by_label("Basic", exact=True).check()
    needed(page)


def nothing(page: Page) -> None:
    expect(page.get_by_text("Optional settings")).to_be_visible()


FORMS: dict[str, Fill] = {
    "ledgers": ledgers,
    "bigcommerce": bigcommerce,
    "jira": needed,
    "closeio": needed,
    "amazons3": needed,
    "sftp": needed,
    "feeds": nothing,
}


# Wide or narrow in turn: how a form looks is no matter of the element.
@pytest.mark.parametrize(
    ("desk", "key"),
    [(list(LOOKS)[place % 2], key) for place, key in enumerate(FORMS)],
    indirect=["desk"],
)
def test_each_shape_of_element_leads_to_an_active_instance(
    desk: Visitor, organization: Organization, account: Account, key: str
) -> None:
    element = offer(organization, key, "")
    element.name = f"The {key}"
    element.save()
    choose(desk, element.name)
    page = desk.page
    look(desk, f"form_{key}")
    page.locator("#id_name").fill(f"Of {key}")
    FORMS[key](page)
    page.get_by_role("button", name="Create instance").click()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    assert account.only_instance()["element"]["key"] == key


def test_what_is_missing_is_named_and_the_rest_kept(
    desk: Visitor, organization: Organization
) -> None:
    desk.visit(f"{offer(organization, 'ledgers', '').get_absolute_url()}new/")
    page = desk.page
    page.get_by_label("Code").fill("EU-7")
    page.get_by_label("Pass Phrase").fill("open sesame 42")
    expect(page.locator("#preview-body")).to_contain_text("EU-7")
    expect(page.locator("#preview-body")).not_to_contain_text("sesame")
    page.get_by_role("button", name="Create instance").click()
    expect(page.locator(".error-summary")).to_contain_text("Currency (ledgers.currency) is missing")
    expect(page.get_by_label("Code")).to_have_value("EU-7")
    expect(page.get_by_label("Pass Phrase")).to_have_value("")
    look(desk, "refused_ledgers")
    assert not Instance.objects.exists()


def test_only_the_chosen_way_in_is_shown_and_sent(
    desk: Visitor, organization: Organization, account: Account
) -> None:
    desk.visit(f"{offer(organization, 'mailings', 'oauth2').get_absolute_url()}new/")
    page = desk.page
    expect(page.get_by_label("API Secret")).to_be_visible()
    page.get_by_label("API Key", exact=True).last.check()
    expect(page.get_by_label("API Secret")).to_be_hidden()
    page.locator("#id_name").fill("Mail")
    page.locator("input[name='entry.mailings.key']").fill("k-12345678")
    look(desk, "form_mailings")
    page.get_by_role("button", name="Create instance").click()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    assert account.only_instance()["configuration"]["authentication.type"] == "apiKey"


def test_a_viewer_finds_no_way_to_a_form(
    visitor: Callable[..., Visitor],
    member: Callable[..., User],
    with_password: Callable[[User], User],
    organization: Organization,
    account: Account,
) -> None:
    window = visitor()
    window.sign_in(with_password(member(Role.VIEWER, "victor")).username)
    element = offer(organization, "ledgers", "")
    window.visit(element.get_absolute_url())
    expect(window.page.get_by_role("heading", name="What it asks for")).to_be_visible()
    expect(window.page.locator("main").get_by_role("link", name="New instance")).to_have_count(0)
    window.visit("/instances/new/element/")
    expect(window.page.get_by_text("No organization to create it in")).to_be_visible()
