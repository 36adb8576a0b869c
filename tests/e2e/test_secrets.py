"""Replacing and verifying an organization's secrets in a browser, with a worker that asks the platform."""

import os
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from instances.engine import accounts
from instances.models import Organization, Role
from sandbox.running import Account, Sandbox
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS
from tests.workers import Worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def enter(somebody: Visitor, user_secret: str, organization_secret: str) -> None:
    """Type both secrets and save."""
    page = somebody.page
    page.get_by_label("User secret").fill(user_secret)
    page.get_by_label("Organization secret").fill(organization_secret)
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("The new secrets are checked before they are used.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_new_secrets_are_checked_before_they_are_used(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    worker: Worker,
    member: Callable[..., User],
    organization: Organization,
    account: Account,
    sandbox: Sandbox,
    window: dict[str, int],
    scheme: str,
) -> None:
    accounts.identify(organization, accounts.client_for(organization))
    other = sandbox.new_account()
    with_password(member(Role.ADMIN, "ada"))
    ada = visitor(viewport=window, color_scheme=scheme)
    ada.sign_in("ada")
    ada.visit(organization.get_absolute_url())
    page = ada.page
    enter(ada, "wrong", "wrong too")
    expect(page.get_by_role("heading", name="The new secrets are not used")).to_be_visible()
    page.get_by_role("button", name="All right").click()
    enter(ada, other.user_secret, other.organization_secret)
    expect(page.get_by_role("heading", name="open another account")).to_be_visible()
    assert ada.accessibility_violations() == []
    assert ada.overflow() <= 0
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/secrets-{window['width']}-{scheme}.png", full_page=True)
    page.get_by_role("button", name="Discard them").click()
    account.reset_secrets()
    enter(ada, account.user_secret, account.organization_secret)
    expect(page.get_by_role("heading", name="The present secrets came into use")).to_be_visible()
    assert account.user_secret not in page.content()


def test_an_operator_verifies_and_cannot_replace(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    worker: Worker,
    operator: User,
    organization: Organization,
    account: Account,
) -> None:
    with_password(operator)
    somebody = visitor()
    somebody.sign_in("olivia")
    somebody.visit(organization.get_absolute_url())
    page = somebody.page
    expect(page.get_by_label("User secret")).to_have_count(0)
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#account")).to_contain_text(account.organization_name)
    expect(page.locator("#account")).to_contain_text(account.login)
