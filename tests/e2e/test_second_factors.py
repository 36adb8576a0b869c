"""Second factors in a real browser: an app, and a passkey of Chromium's virtual authenticator."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from instances.models import FactorKind, SecondFactor
from instances.one_time import code_at, present_step
from tests.e2e.conftest import PASSWORD, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def olivia(
    visitor: Callable[..., Visitor], with_password: Callable[[User], User], operator: User
) -> Visitor:
    """Her window, signed in."""
    with_password(operator)
    window = visitor()
    window.sign_in_by_form("olivia")
    return window


def sign_out_and_show_password(window: Visitor) -> None:
    window.page.get_by_role("button", name="Sign out").click()
    window.page.get_by_label("Username").fill("olivia")
    window.page.get_by_label("Password").fill(PASSWORD)
    window.page.get_by_role("button", name="Sign in").click()
    expect(window.page.get_by_role("heading", name="One more step")).to_be_visible()


def test_an_app_is_added_and_asked_for(olivia: Visitor) -> None:
    page = olivia.page
    olivia.visit("/account/factors/")
    page.get_by_role("link", name="Add an app").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_text("The app cannot scan?").click()
    seed = re.sub(r"\s", "", page.locator("details code").inner_text())
    page.get_by_label("Code that the app shows").fill(code_at(seed, present_step()))
    page.get_by_role("button", name="Take into use").click()
    expect(page.locator(".codes code")).to_have_count(10)
    code = page.locator(".codes code").first.inner_text()
    assert olivia.accessibility_violations() == []
    page.get_by_role("link", name="I have them").click()
    sign_out_and_show_password(olivia)
    assert olivia.accessibility_violations() == []
    # The present code was taken when the app was added.
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def test_a_passkey_is_made_and_asked_for(olivia: Visitor) -> None:
    page = olivia.page
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True}
    key |= {"isUserVerified": True, "automaticPresenceSimulation": True, "hasResidentKey": True}
    wire.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    olivia.visit("/account/factors/passkey/")
    page.get_by_label("What you call it").fill("Blue key")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert SecondFactor.objects.get().kind == FactorKind.PASSKEY
    sign_out_and_show_password(olivia)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    assert SecondFactor.objects.get().used_at
