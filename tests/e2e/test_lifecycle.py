"""An instance that exists is changed in a real browser, by who may, with a real worker behind it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from instances.models import Instance, InstanceStatus, Operation, Role, Share
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
# Who may change an instance; what the others find is in test_roles.
MAY = ("owner", "admin", "manage")


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
    """Open the page of `made` as one of those who manage it."""

    def shared() -> User:
        user = make_user("with-manage")
        until = timezone.now() + timedelta(days=1)
        Share.objects.create(
            instance=made, user=user, level="manage", granted_by=operator, expires_at=until
        )
        return user

    people: dict[str, Callable[[], User]] = {
        "owner": lambda: operator,
        "admin": lambda: member(Role.ADMIN, "ada"),
        "manage": shared,
    }

    def enter(role: str) -> Visitor:
        user = with_password(people[role]())
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


def disable_and_enable(window: Visitor, account: Account) -> None:
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


def edit(window: Visitor, account: Account) -> None:
    page = window.page
    act(page, "Edit")
    page.get_by_label("Name").fill("Billing EU")
    page.get_by_label("Tags").fill("billing, finance")
    page.get_by_role("button", name="Review changes").click()
    review = page.locator("#review")
    expect(review.get_by_role("row").filter(has_text="Name")).to_contain_text("Billing EU")
    assert window.accessibility_violations() == []
    review.get_by_role("button", name="Send these changes").click()
    expect(page.get_by_role("heading", name="Billing EU", level=1)).to_be_visible()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    remote = account.only_instance()
    assert remote["name"] == "Billing EU"
    assert {"billing", "finance"} < set(remote["tags"])


def give_new_credentials(window: Visitor, account: Account) -> None:
    page, tenant = window.page, account.production
    act(page, "Re-authenticate")
    expect(page.get_by_text("Kept since").first).to_be_visible()
    assert window.accessibility_violations() == []
    page.get_by_label("Zuora sandbox").uncheck()
    page.get_by_label("User name", exact=True).fill(tenant.username)
    page.get_by_role("textbox", name="Password").fill(tenant.password)
    page.get_by_role("button", name="Re-authenticate").click()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    expect(page.locator(".page-head").get_by_text("Production")).to_be_visible()
    assert account.only_instance()["configuration"]["password"] == tenant.password
    assert tenant.password not in page.content()


def ask_to_delete(window: Visitor, name: str) -> None:
    act(window.page, "Delete")
    assert window.accessibility_violations() == []
    window.page.get_by_label("Name of the instance").fill(name)
    window.page.get_by_label("Reason").fill("The contract has ended.")
    window.page.get_by_role("button", name="Disable and delete it").click()


def count_down_and_undo(window: Visitor, account: Account) -> None:
    page = window.page
    ask_to_delete(window, page.get_by_role("heading", level=1).inner_text())
    expect(page.get_by_role("heading", name="To be deleted in")).to_be_visible()
    assert is_disabled(account)
    assert window.accessibility_violations() == []
    assert window.overflow() == 0
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    assert not is_disabled(account)


@pytest.mark.parametrize("role", MAY)
def test_who_manages_it_does_all_that_can_be_done_with_it(
    role: str, enter: Enter, account: Account
) -> None:
    window = enter(role)
    disable_and_enable(window, account)
    edit(window, account)
    give_new_credentials(window, account)
    count_down_and_undo(window, account)


def test_a_refusal_is_shown_and_the_instance_stays(enter: Enter, account: Account) -> None:
    said = "Not while a formula runs."
    account.fault("status", method="DELETE", path="/instances", status=400, message=said)
    page = enter("owner").page
    act(page, "Disable")
    page.get_by_label("Reason").fill("Maintenance.")
    page.get_by_role("button", name="Disable it").click()
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    account.fault("status", method="PATCH", path="/instances", status=400, message="Not so.")
    act(page, "Edit")
    page.get_by_label("Name").fill("Billing EU")
    page.get_by_role("button", name="Review changes").click()
    page.get_by_role("button", name="Send these changes").click()
    expect(page.get_by_text("Not so.")).to_be_visible()
    expect(page.get_by_role("heading", name="Billing sandbox", level=1)).to_be_visible()


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


def test_the_second_of_two_editors_is_told_and_loses_nothing(
    enter: Enter, account: Account
) -> None:
    first, second = enter("owner"), enter("admin")
    act(second.page, "Edit")
    second.page.get_by_label("Tags").fill("billing, mine")
    act(first.page, "Edit")
    first.page.get_by_label("Name").fill("Renamed")
    first.page.get_by_role("button", name="Review changes").click()
    first.page.get_by_role("button", name="Send these changes").click()
    expect(first.page.get_by_role("heading", name="Renamed", level=1)).to_be_visible()
    page = second.page
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", name="Changed since you opened it")).to_be_visible()
    expect(page.get_by_text("olivia asked for a change")).to_be_visible()
    expect(page.get_by_label("Tags")).to_have_value("billing, mine")
    expect(page.get_by_label("Name")).to_have_value("Renamed")
    assert second.accessibility_violations() == []
    page.get_by_role("button", name="Send these changes").click()
    expect(page.locator(".page-head .status-active")).to_be_visible()
    assert account.only_instance()["name"] == "Renamed"
    assert "mine" in account.only_instance()["tags"]


def test_wrong_credentials_are_told_and_whose_job_they_are(enter: Enter, account: Account) -> None:
    page = enter("owner").page
    act(page, "Re-authenticate")
    page.get_by_role("textbox", name="Password").fill("not-the-password")
    page.get_by_role("button", name="Re-authenticate").click()
    expect(page.get_by_text("those of before stay in use")).to_be_visible()
    expect(page.get_by_text("Whoever keeps the account at the provider")).to_be_visible()
    assert account.only_instance()["configuration"]["password"] == account.sandbox.password


def test_another_name_is_said_and_deletes_nothing(enter: Enter, account: Account) -> None:
    window = enter("owner")
    ask_to_delete(window, "Billing")
    expect(window.page.get_by_role("alert")).to_contain_text("This is not its name")
    assert window.accessibility_violations() == []
    assert not is_disabled(account)


def bring_the_day(made: Instance) -> None:
    """Let the countdown be over, for the worker too."""
    deletion = Operation.objects.get(instance=made, kind="delete")
    due = timezone.now() - timedelta(seconds=1)
    payload = {**deletion.payload, "until": due.isoformat()}
    Operation.objects.filter(pk=deletion.pk).update(payload=payload, next_run_at=due)


def test_on_its_day_it_is_deleted_and_a_tombstone_stays(
    enter: Enter, made: Instance, account: Account
) -> None:
    window = enter("owner")
    page = window.page
    ask_to_delete(window, "Billing sandbox")
    expect(page.get_by_role("heading", name="To be deleted in")).to_be_visible()
    bring_the_day(made)
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.DELETED)
    window.visit(made.get_absolute_url())
    expect(page.get_by_role("heading", name="Deleted on the platform")).to_be_visible()
    page.get_by_role("link", name="Token and code").click()
    expect(page.get_by_role("heading", name="Deleted, and so is its token")).to_be_visible()
    assert window.accessibility_violations() == []
    assert account.instances() == []


def test_what_uses_it_is_named(enter: Enter, made: Instance, account: Account) -> None:
    account.set(delete_in_use=True)
    window = enter("owner")
    ask_to_delete(window, "Billing sandbox")
    expect(window.page.get_by_role("heading", name="To be deleted in")).to_be_visible()
    bring_the_day(made)
    wait_for(lambda: Operation.objects.get(kind="delete").problem == "in-use")
    window.visit(made.get_absolute_url())
    expect(window.page.get_by_role("heading", name="Not deleted: it is in use")).to_be_visible()
    expect(window.page.get_by_text("is in use by a formula instance")).to_be_visible()


def test_another_like_it_begins_with_what_is_not_secret(enter: Enter) -> None:
    window = enter("owner")
    page = window.page
    act(page, "New like this")
    expect(page.get_by_label("Name", exact=False).first).to_have_value("Billing sandbox (copy)")
    expect(page.get_by_text("Its credentials are not copied")).to_be_visible()
    expect(page.get_by_role("textbox", name="Password")).to_have_value("")
    assert window.accessibility_violations() == []
