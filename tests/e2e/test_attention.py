"""Each case that takes a person: what the page says, what can be chosen, and what comes of it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from instances.models import (
    AuditEntry,
    Finding,
    FindingKind,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    Organization,
    Role,
    Verdict,
)
from sandbox.running import Account
from tests.cases import absent_twice, cannot_look, name_only, several, work
from tests.e2e.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]
WHY = "The provider told me on the phone."


@pytest.fixture
def olivia(
    visitor: Callable[..., Visitor], with_password: Callable[[User], User], operator: User
) -> Callable[[], Visitor]:
    """Sign the operator in and open what needs attention."""

    def open_list() -> Visitor:
        with_password(operator)
        somebody = visitor()
        somebody.sign_in("olivia")
        somebody.page.get_by_role("link", name="Needs attention").click()
        expect(somebody.page.get_by_role("heading", level=1)).to_have_text("Needs attention")
        return somebody

    return open_list


def choose(somebody: Visitor, choice: str) -> None:
    """Follow a choice of the list, give the reason, decide."""
    page = somebody.page
    page.get_by_role("link", name=choice).click()
    assert somebody.accessibility_violations() == []
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status").or_(page.locator(".message")).first).to_be_visible()


def test_absent_twice(olivia: Callable[[], Visitor], ask: Ask, account: Account) -> None:
    operation = absent_twice(ask, account)
    somebody = olivia()
    card = somebody.page.locator("article")
    expect(card).to_contain_text("Request 1 left on")
    expect(card).to_contain_text("Request 2 left on")
    expect(card).to_contain_text(operation.tag)
    expect(card.get_by_role("link", name="Look again")).to_be_visible()
    expect(card.get_by_role("link", name="Mark as not created")).to_be_visible()
    choose(somebody, "Create again")
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert AuditEntry.objects.get(action="decision.create").detail["reason"] == WHY


def test_several_matches(olivia: Callable[[], Visitor], ask: Ask, account: Account) -> None:
    several(ask, account)
    keep, other = account.instances()
    somebody = olivia()
    rows = somebody.page.locator("article tbody tr")
    expect(rows).to_have_count(2)
    somebody.page.get_by_role("link", name="Adopt this one").click()
    somebody.page.get_by_label(str(keep["id"])).check()
    somebody.page.get_by_label("Reason").fill(WHY)
    somebody.page.get_by_role("button", name="Decide").click()
    expect(somebody.page.locator(".message")).to_contain_text("recorded")
    work()
    assert Instance.objects.get().remote_id == keep["id"]
    delete_by_typing(somebody, other["id"])
    assert [one["id"] for one in account.instances()] == [keep["id"]]


def delete_by_typing(somebody: Visitor, remote_id: int) -> None:
    """Delete something found: with a wrong id first, then with the right one."""
    page = somebody.page
    page.get_by_role("link", name="Needs attention").click()
    page.get_by_role("link", name=f"({remote_id})").first.click()
    page.get_by_label("Delete it on the platform").check()
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("textbox", name="Instance ID").fill("1")
    page.get_by_role("button", name="Decide").click()
    expect(page.locator(".error-summary")).to_contain_text(f"Type the instance ID {remote_id}")
    expect(page.get_by_label("Reason")).to_have_value(WHY)
    page.get_by_role("textbox", name="Instance ID").fill(str(remote_id))
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("heading", name="Being deleted", exact=True).first).to_be_visible()
    work()
    page.reload()
    expect(page.get_by_role("heading", name="Deleted on the platform")).to_be_visible()


def test_a_match_by_name_only(olivia: Callable[[], Visitor], ask: Ask, account: Account) -> None:
    operation = name_only(ask, account)
    somebody = olivia()
    expect(somebody.page.locator("article")).to_contain_text("lacks our tag")
    expect(somebody.page.get_by_role("link", name="It is not ours")).to_be_visible()
    choose(somebody, "Adopt this one")
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert operation.tag in account.only_instance()["tags"]


def test_what_cannot_be_looked_at(
    olivia: Callable[[], Visitor], ask: Ask, account: Account
) -> None:
    cannot_look(ask, account)
    somebody = olivia()
    expect(somebody.page.locator("article")).to_contain_text("secrets changed after the request")
    expect(somebody.page.get_by_role("link", name="Create again")).to_have_count(0)
    choose(somebody, "Mark as not created")
    assert Instance.objects.get().status == InstanceStatus.REJECTED


def found(organization: Organization, account: Account, **fields: object) -> Finding:
    """Something with our tag that was found in the account."""
    made = account.add_instance(element="zuorav2", name="Stray", tags=["ced-stray"])
    organization.refresh_from_db()
    return Finding.objects.create(
        organization=organization,
        account=organization.account,
        remote_id=made["id"],
        name="Stray",
        element_key="zuorav2",
        tag="ced-stray",
        last_seen_at=timezone.now(),
        **fields,
    )


def test_a_late_finding(
    olivia: Callable[[], Visitor], ask: Ask, account: Account, organization: Organization
) -> None:
    ask(name="The first one")
    work()
    late = found(organization, account, kind=FindingKind.LATE, operation=Operation.objects.get())
    somebody = olivia()
    page = somebody.page
    expect(page.locator("tbody")).to_contain_text("The first one")
    page.get_by_role("link", name="Decide").click()
    expect(page.locator("aside")).to_contain_text(str(Instance.objects.get().remote_id))
    page.get_by_label("Keep both").check()
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("heading", name="Kept beside")).to_be_visible()
    late.refresh_from_db()
    assert (late.verdict, late.reason) == (Verdict.KEPT, WHY)
    assert len(account.instances()) == 2


def test_a_finding_without_a_request(
    olivia: Callable[[], Visitor],
    ask: Ask,
    account: Account,
    organization: Organization,
    operator: User,
) -> None:
    ask()
    work()
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    orphan = found(organization, account, kind=FindingKind.ORPHAN)
    somebody = olivia()
    page = somebody.page
    page.get_by_role("link", name="Decide").click()
    for choice in ("Ignore it", "Delete it on the platform"):
        expect(page.get_by_label(choice)).to_be_visible()
    page.get_by_label("Adopt as a new instance").check()
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("heading", name="Being adopted")).to_be_visible()
    work()
    adopted = Instance.objects.get(remote_id=orphan.remote_id)
    assert adopted.status == InstanceStatus.ACTIVE
    page.goto(somebody.address + reverse("instances:detail", args=[adopted.pk]))
    expect(page.get_by_role("heading", level=1)).to_have_text("Stray")


def test_while_unknown_no_page_offers_a_retry_or_says_failed(
    olivia: Callable[[], Visitor], ask: Ask, account: Account
) -> None:
    account.fault("drop before commit")
    instance = ask(name="Billing sandbox")
    work()
    somebody = olivia()
    for name in ("detail", "instance_activity"):
        somebody.visit(reverse(f"instances:{name}", args=[instance.pk]))
        text = somebody.page.locator("main").inner_text().lower()
        assert "unknown" in text
        assert "failed" not in text
        assert "active" not in text.replace("activity", "")
        for word in ("Retry", "Try again", "Create again"):
            assert somebody.page.get_by_role("button", name=word).count() == 0
            assert somebody.page.get_by_role("link", name=word).count() == 0


def test_taking_back_says_what_is_known(
    olivia: Callable[[], Visitor], ask: Ask, account: Account
) -> None:
    account.fault("drop before commit")
    instance = ask()
    work()
    somebody = olivia()
    page = somebody.page
    somebody.visit(reverse("instances:detail", args=[instance.pk]))
    page.get_by_role("link", name="Take it back").click()
    page.get_by_label("Delete it on the platform").check()
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("#state")).to_contain_text("Taken back on")
    expect(page.locator("#state")).to_contain_text("it is deleted")
    expect(page.get_by_role("heading", name="Outcome unknown")).to_be_visible()
    work(4)
    page.reload()
    expect(page.get_by_role("heading", name="Canceled: nothing was created")).to_be_visible()
