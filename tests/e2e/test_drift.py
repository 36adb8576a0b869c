"""An account is compared, adopted, drifts in five ways, and is brought back, in a browser."""

import os
from collections.abc import Callable
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from instances.models import Instance, ListedInstance, Organization, Role, Standing
from sandbox.running import Account
from tests.cases import work
from tests.e2e.conftest import Visitor
from tests.workers import Worker, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def drifted(ask: Ask, account: Account) -> list[Instance]:
    """Four instances of ours: renamed, tagged otherwise, disabled and deleted there; some foreign."""
    made = [ask(name=f"Ours {number}") for number in range(4)]
    work()
    for instance in made:
        instance.refresh_from_db()
    numbers = [instance.remote_id or 0 for instance in made]
    account.change_instance(numbers[0], name="Renamed by somebody")
    account.change_instance(numbers[1], tags=["another", "tag"])
    account.change_instance(numbers[2], disabled=True)
    account.remove_instance(numbers[3])
    for number in range(3):
        account.add_instance(element="zuorav2", name=f"Foreign {number}", tags=["from-console"])
    return made


def look(somebody: Visitor, name: str) -> None:
    """Look at the present page four times: light and dark, wide and narrow."""
    page = somebody.page
    for width, height in ((1600, 1000), (360, 800)):
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            assert somebody.accessibility_violations() == []
            assert somebody.overflow() <= 0
            if folder := os.environ.get("SHOTS"):
                path = f"{folder}/drift-{name}-{width}-{scheme}.png"
                page.screenshot(path=path, full_page=True)


def adopt_all(somebody: Visitor) -> None:
    """Have what is only there adopted, for olga."""
    page = somebody.page
    page.get_by_role("link", name="Only there").click()
    page.get_by_label("Adopt all that are only there").check()
    page.get_by_label("Owner").select_option("olga")
    look(somebody, "only-there")
    page.get_by_role("button", name="Adopt", exact=True).click()
    expect(page.get_by_text("Adoption has started for 3 instances, owned by olga")).to_be_visible()


def check_both_sides(account: Account, owner: User) -> None:
    """What was adopted is here with its token, and what was pushed is there as it is here."""
    foreign = Instance.objects.filter(name__startswith="Foreign", owner=owner)
    assert foreign.exclude(token="").count() == 3
    names = {str(one["name"]): one for one in account.instances()}
    assert set(names) == {f"{kind} {number}" for kind in ("Ours", "Foreign") for number in range(3)}
    assert "billing" in names["Ours 1"]["tags"]
    assert names["Ours 2"]["disabled"] is False


def test_what_drifted_is_shown_adopted_and_brought_back(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    member: Callable[..., User],
    worker: Worker,
    drifted: list[Instance],
    organization: Organization,
    account: Account,
) -> None:
    with_password(member(Role.ADMIN, "ada"))
    olga = member(Role.OPERATOR, "olga")
    # Without motion: a color on its way from light to dark is neither.
    somebody = visitor(reduced_motion="reduce")
    somebody.sign_in("ada")
    address = reverse("instances:organization_drift", args=[organization.pk])
    somebody.visit(address)
    page = somebody.page
    page.get_by_role("button", name="Compare now").click()
    expect(page.locator("#progress")).to_contain_text("6 instances listed")
    expect(page.get_by_text("Renamed by somebody")).to_be_visible()
    look(somebody, "changed")
    page.get_by_role("link", name="of Ours 0: both sides").click()
    expect(page.get_by_role("cell", name="Renamed by somebody")).to_be_visible()
    look(somebody, "both-sides")
    page.get_by_role("link", name="Overview", exact=True).last.click()
    expect(page.get_by_role("heading", name="Changed on the platform")).to_be_visible()
    look(somebody, "told")
    page.get_by_role("link", name="See both sides").click()
    expect(page.get_by_role("button", name="Push ours")).to_be_visible()
    somebody.visit(address)
    adopt_all(somebody)
    page.get_by_role("link", name="Only here").click()
    look(somebody, "only-here")
    page.get_by_role("link", name="Ours 3").click()
    expect(page.get_by_role("heading", name="Not there any more")).to_be_visible()
    look(somebody, "missing")
    somebody.visit(address)
    for row in page.locator("input[name=rows]").all():
        row.check()
    page.get_by_role("button", name="Push ours").click()
    expect(page.get_by_text("asked to become as it is here for 3 instances")).to_be_visible()
    wait_for(lambda: Instance.objects.filter(status="active").count() == 7)
    check_both_sides(account, olga)
    page.get_by_role("button", name="Compare now").click()
    expect(page.locator("#progress")).to_contain_text("listed")
    assert not ListedInstance.objects.exclude(standing=Standing.MATCHES).exists()
    assert somebody.complaints == []
