"""Slips that cost people hours with Zuora are noticed in the form, with and without JavaScript."""

import json
import os
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from instances import vault
from instances.models import Instance, OperationSecret, OperationState
from instances.vault import Purpose
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import WINDOWS
from tests.states import put_in_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Visitor]
PASSWORD = "planted-password"
QUESTION = "Password begins or ends with a space"


@pytest.fixture
def enter(visitor: Open, operator: User, with_password: Callable[[User], User]) -> Open:
    """Open the form of a new Zuora instance as the operator."""

    def enter(**options: object) -> Visitor:
        window = visitor(**options)
        window.sign_in(with_password(operator).username)
        window.visit(reverse("instances:new"))
        window.page.locator("#id_name").fill("Test")
        window.page.locator("#id_username").fill("somebody@zuora.example")
        return window

    return enter


def password(page: Page) -> str:
    return page.locator("#id_password").input_value()


def create(page: Page) -> None:
    page.get_by_role("button", name="Create instance").click()


def sent() -> str:
    """Return the password that the newest request holds."""
    held = OperationSecret.objects.latest("expires_at")
    opened = vault.open_sealed(held, "sealed", purpose=Purpose.CHECK).reveal()
    return str(json.loads(opened)["password"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_spaces_are_asked_about_while_the_secret_is_in_its_field(
    enter: Open, window: dict[str, int], scheme: str
) -> None:
    somebody = enter(viewport=window, color_scheme=scheme)
    page = somebody.page
    expect(page.get_by_text(QUESTION)).to_be_hidden()
    page.locator("#id_password").fill(f"{PASSWORD} ")
    create(page)
    expect(page.get_by_text(QUESTION)).to_be_visible()
    expect(page.get_by_label("Take the space away").first).to_be_focused()
    assert password(page) == f"{PASSWORD} "
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    if folder := os.environ.get("SHOTS"):
        name = f"hints-{window['width']}-{scheme}.png"
        page.screenshot(path=f"{folder}/{name}", full_page=True)
    page.get_by_label("Take the space away").first.check()
    create(page)
    expect(page.get_by_text("Provisioning has started")).to_be_visible()
    assert sent() == PASSWORD


def test_question_goes_away_with_the_spaces(enter: Open) -> None:
    page = enter().page
    field = page.locator("#id_password")
    field.fill(f" {PASSWORD}")
    field.blur()
    expect(page.get_by_text(QUESTION)).to_be_visible()
    field.fill(PASSWORD)
    field.blur()
    expect(page.get_by_text(QUESTION)).to_be_hidden()


def test_pasted_spaces_are_noticed_at_once(enter: Open) -> None:
    page = enter().page
    page.evaluate("text => navigator.clipboard.writeText(text)", f"{PASSWORD}  ")
    page.locator("#id_password").focus()
    page.keyboard.press("ControlOrMeta+v")
    expect(page.get_by_text(QUESTION)).to_be_visible()


def test_without_javascript_the_question_comes_with_the_answer(enter: Open) -> None:
    page = enter(java_script_enabled=False).page
    page.locator("#id_password").fill(f" {PASSWORD}")
    create(page)
    expect(page.get_by_role("group", name=QUESTION)).to_be_visible()
    assert password(page) == ""
    page.locator("#id_password").fill(f" {PASSWORD}")
    page.get_by_label("The space belongs to it").first.check()
    create(page)
    expect(page.get_by_text("Provisioning has started")).to_be_visible()
    assert sent() == f" {PASSWORD}"


@pytest.mark.parametrize("window", WINDOWS)
def test_switch_that_does_not_fit_the_credentials_is_asked_about(
    enter: Open, ask: Callable[..., Instance], window: dict[str, int]
) -> None:
    login = {"username": "somebody@zuora.example", "password": PASSWORD}
    live = ask(name="Live billing", configuration={"zuorav2.sandbox": False, **login})
    put_in_state(live, OperationState.SUCCEEDED)
    somebody = enter(viewport=window)
    page = somebody.page
    page.locator("#id_password").fill(PASSWORD)
    create(page)
    error = page.get_by_text("signs in to Zuora's production with exactly these credentials")
    expect(error.last).to_be_visible()
    assert password(page) == ""
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/switch-{window['width']}.png", full_page=True)
    page.get_by_label("Send it as the switch says").check()
    page.locator("#id_password").fill(PASSWORD)
    create(page)
    expect(page.get_by_text("Provisioning has started")).to_be_visible()


def test_twin_with_credentials_of_the_other_environment_is_asked_about(
    enter: Open, ask: Callable[..., Instance]
) -> None:
    login = {"username": "live@zuora.example", "password": PASSWORD}
    live = ask(name="Live billing", configuration={"zuorav2.sandbox": False, **login})
    test = ask(name="Test billing")
    for one in (live, test):
        put_in_state(one, OperationState.SUCCEEDED)
    somebody = enter()
    page = somebody.page
    somebody.visit(reverse("instances:rotate", args=[test.pk]))
    page.locator("#id_username").fill("live@zuora.example")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Begin the rotation").click()
    expect(page.get_by_text("connects to the sandbox, like the old one").last).to_be_visible()
    assert somebody.accessibility_violations() == []
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/rotation-environment.png", full_page=True)
    page.get_by_label("Send it all the same").check()
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Begin the rotation").click()
    expect(page.get_by_text("The rotation has begun")).to_be_visible()


def test_risk_of_a_password_is_told_where_it_is_chosen(enter: Open) -> None:
    page = enter().page
    risk = page.get_by_text("A password can stop working by itself")
    expect(risk).to_be_visible()
    page.get_by_role("radio", name="OAuth client").check()
    expect(risk).to_be_hidden()


TAKEN_AWAY = "User name begins or ends with a space, which is taken away"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_user_name_says_that_it_loses_its_spaces(
    enter: Open, window: dict[str, int], scheme: str
) -> None:
    somebody = enter(viewport=window, color_scheme=scheme)
    page = somebody.page
    expect(page.get_by_text(TAKEN_AWAY)).to_be_hidden()
    page.locator("#id_username").fill(" somebody@zuora.example")
    page.locator("#id_password").fill(PASSWORD)
    expect(page.get_by_text(TAKEN_AWAY)).to_be_visible()
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    if folder := os.environ.get("SHOTS"):
        name = f"trimmed-{window['width']}-{scheme}.png"
        page.screenshot(path=f"{folder}/{name}", full_page=True)
    create(page)
    expect(page.get_by_text("Spaces were taken away around: User name.")).to_be_visible()


def test_user_name_without_spaces_says_nothing(enter: Open) -> None:
    page = enter().page
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#id_password").blur()
    expect(page.get_by_text(TAKEN_AWAY)).to_be_hidden()
    create(page)
    expect(page.get_by_text("Provisioning has started")).to_be_visible()
    expect(page.get_by_text("Spaces were taken away")).to_have_count(0)


def test_without_javascript_lost_spaces_are_told_afterwards(enter: Open) -> None:
    page = enter(java_script_enabled=False).page
    page.locator("#id_username").fill("somebody@zuora.example ")
    create(page)
    expect(page.get_by_text(TAKEN_AWAY)).to_be_visible()
    page.locator("#id_password").fill(PASSWORD)
    create(page)
    expect(page.get_by_text("Spaces were taken away around: User name.")).to_be_visible()
