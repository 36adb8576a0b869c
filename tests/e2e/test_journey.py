"""From form to token in a real browser, and what a teammate sees of it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from instances.models import AuditEntry, Instance
from sandbox.running import Account
from tests.e2e.conftest import Visitor
from tests.workers import Worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

Open = Callable[..., Visitor]
GivePassword = Callable[[User], User]


@pytest.fixture
def olivia(visitor: Open, operator: User, with_password: GivePassword, worker: Worker) -> Visitor:
    """The operator, signed in, with a worker running."""
    with_password(operator)
    window = visitor(viewport={"width": 1280, "height": 900})
    window.sign_in_by_form("olivia")
    return window


def create(window: Visitor, account: Account, name: str = "Test") -> None:
    """Fill in the form as the guide's example has it, and wait until the instance is there."""
    page = window.page
    window.visit("/instances/new/")
    page.locator("#id_name").fill(name)
    page.get_by_role("textbox", name="User name").fill(account.sandbox.username)
    page.get_by_role("textbox", name="Password").fill(account.sandbox.password)
    page.get_by_label("Tags").fill("billing, finance")
    page.get_by_role("button", name="Create instance").click()
    expect(page.get_by_text("Provisioning has started.")).to_be_visible()
    expect(page.locator(".page-head .status-active")).to_be_visible()


def test_from_form_to_id_and_masked_configuration(olivia: Visitor, account: Account) -> None:
    account.fault("latency", seconds=1.5)
    create(olivia, account)
    remote = account.only_instance()
    page = olivia.page
    expect(page.get_by_text(str(remote["id"])).first).to_be_visible()
    page.get_by_role("link", name="Configuration").click()
    row = page.get_by_role("row").filter(has_text="password")
    expect(row).to_contain_text("masked")
    assert account.sandbox.password not in page.content()
    assert olivia.accessibility_violations() == []


def test_list_changes_by_itself_while_something_is_in_flight(
    olivia: Visitor, account: Account, ask: Callable[..., Instance]
) -> None:
    account.fault("latency", seconds=3)
    ask(name="Moving")
    olivia.visit("/instances/")
    row = olivia.page.get_by_role("row").filter(has_text="Moving")
    expect(row.locator(".status-creating, .status-queued")).to_be_visible()
    expect(row.locator(".status-active")).to_be_visible()
    expect(olivia.page.locator("#rows[hx-trigger]")).to_have_count(0)


def test_the_page_settles_without_a_reload(
    olivia: Visitor, account: Account, ask: Callable[..., Instance]
) -> None:
    account.fault("latency", seconds=3)
    olivia.visit(ask(name="Moving").get_absolute_url())
    page = olivia.page
    page.evaluate("document.body.dataset.kept = 'yes'")
    expect(page.locator(".page-head .status-active")).to_be_visible()
    expect(page.locator("body[data-kept=yes]")).to_have_count(1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(600)  # it asked every 250 ms
    assert asked == []
    page.get_by_role("link", name="Edit").click()
    expect(page).to_have_title("Edit Moving · Elementdesk")


def test_token_is_not_in_the_page_until_it_is_asked_for(olivia: Visitor, account: Account) -> None:
    create(olivia, account)
    token, page = account.only_instance()["token"], olivia.page
    page.get_by_role("link", name="Token and code").click()
    assert token not in page.content()
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator("[data-secret-output]")).to_have_text(token)
    page.get_by_role("button", name="Hide").click()
    assert token not in page.content()
    assert AuditEntry.objects.filter(action="token.revealed", actor__username="olivia").exists()


def test_token_is_copied_without_being_shown(olivia: Visitor, account: Account) -> None:
    create(olivia, account)
    token, page = account.only_instance()["token"], olivia.page
    page.get_by_role("link", name="Token and code").click()
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator("[data-secret-note]")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == token
    assert token not in page.content()
    assert AuditEntry.objects.filter(action="token.copied").count() == 1


def test_teammate_sees_what_the_share_allows_and_no_more(
    olivia: Visitor,
    account: Account,
    visitor: Open,
    make_user: Callable[..., User],
    with_password: GivePassword,
) -> None:
    create(olivia, account)
    with_password(make_user("tara"))
    tara = visitor()
    tara.sign_in("tara")
    expect(tara.page.get_by_text("Test", exact=True)).to_have_count(0)
    share_with(olivia, "tara", "View")
    tara.visit("/instances/?access=shared")
    tara.page.get_by_role("link", name="Test", exact=True).click()
    expect(tara.page.get_by_text("because olivia shared it")).to_be_visible()
    tara.page.get_by_role("link", name="Token and code").click()
    expect(tara.page.get_by_role("button", name="Reveal")).to_have_count(0)
    share_with(olivia, "tara", "Use")
    tara.page.reload()
    tara.page.get_by_role("button", name="Reveal").click()
    token = account.only_instance()["token"]
    expect(tara.page.locator("[data-secret-output]")).to_have_text(token)


def share_with(window: Visitor, person: str, level: str) -> None:
    """Share the instance through its sharing page."""
    instance = Instance.objects.get()
    window.visit(f"/instances/{instance.pk}/sharing/")
    window.page.get_by_label("Person").fill(person)
    window.page.get_by_label(level).first.check()
    window.page.get_by_role("button", name="Share").click()
    expect(window.page.locator("table")).to_contain_text(person)


def test_missing_entries_are_named_all_at_once(olivia: Visitor) -> None:
    page = olivia.page
    olivia.visit("/instances/new/")
    page.get_by_label("Tags").fill("kept")
    page.get_by_role("button", name="Create instance").click()
    for entry in ("Name (name)", "User name (username)", "Password (password)"):
        expect(page.get_by_text(f"{entry} is missing.").first).to_be_visible()
    expect(page.get_by_label("Tags")).to_have_value("kept")
    assert olivia.accessibility_violations() == []


def test_preview_shows_placeholders_and_never_the_secret(olivia: Visitor, account: Account) -> None:
    page = olivia.page
    olivia.visit("/instances/new/")
    page.get_by_role("textbox", name="Password").fill("typed-secret-password")
    page.locator("#id_name").fill("Previewed name")
    page.locator("#id_name").blur()
    expect(page.locator("#preview")).to_contain_text("Previewed name")
    expect(page.locator("#preview")).not_to_contain_text("typed-secret-password")


def test_without_javascript_from_form_to_token(
    visitor: Open,
    operator: User,
    with_password: GivePassword,
    worker: Worker,
    account: Account,
) -> None:
    with_password(operator)
    window = visitor(java_script_enabled=False)
    window.sign_in("olivia")
    page = window.page
    window.visit("/instances/new/")
    page.locator("#id_name").fill("Plain")
    page.get_by_role("textbox", name="User name").fill(account.sandbox.username)
    page.get_by_role("textbox", name="Password").fill(account.sandbox.password)
    page.get_by_role("button", name="Create instance").click()
    wait_until_active(window)
    page.get_by_role("link", name="Token and code").click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text(account.only_instance()["token"]).first).to_be_visible()


def wait_until_active(window: Visitor) -> None:
    """Reload, as somebody without JavaScript does."""
    for _ in range(40):
        if window.page.locator(".page-head .status-active").count():
            return
        window.page.wait_for_timeout(250)
        window.page.reload()
    raise AssertionError("it did not become active")
