"""Lists and navigation tell of a rotation, and a person vouches for what nothing can test, in a browser."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from instances.models import (
    Instance,
    OperationState,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
    database_now,
)
from instances.operations import request_instance_rotation
from tests.e2e.conftest import Visitor
from tests.e2e.test_rotation_pages import assert_fits
from tests.states import put_in_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Enter = Callable[[User], Visitor]


@pytest.fixture
def rotation(active: Instance, operator: User) -> Rotation:
    """A rotation that its old one's calls hold up."""
    made = request_instance_rotation(
        requester=operator,
        old=active,
        name="The new one",
        configuration={"zuorav2.sandbox": True, "username": "u", "password": "p"},
        tag_names=[],
        client_request_id=uuid.uuid4(),
        days=7.0,
    )
    put_in_state(made.new, OperationState.SUCCEEDED)
    until = database_now() + timedelta(days=7)
    Rotation.objects.update(state=RotationState.BOTH, both_until=until)
    return Rotation.objects.select_related("old", "new").get()


@pytest.fixture
def enter(visitor: Callable[..., Visitor], with_password: Callable[[User], User]) -> Enter:
    """Open the list of instances as somebody."""

    def enter(user: User) -> Visitor:
        window = visitor(viewport={"width": 1280, "height": 900})
        window.sign_in(with_password(user).username)
        return window

    return enter


def test_list_leads_from_one_to_the_other(enter: Enter, operator: User, rotation: Rotation) -> None:
    window = enter(operator)
    page = window.page
    row = page.locator(f"#instance-{rotation.old_id}")
    expect(row.get_by_text("Rotating: both work")).to_be_visible()
    expect(row.get_by_text("To be replaced by")).to_be_visible()
    assert_fits(window, "list")
    row.get_by_role("link", name="The new one").click()
    expect(page.get_by_role("heading", name="The new one", level=1)).to_be_visible()
    window.visit("/activity/")
    line = page.get_by_role("row").filter(has_text="Create The new one")
    expect(line.get_by_text("Replaces Billing sandbox")).to_be_visible()
    assert_fits(window, "activity")


def test_what_stands_still_is_counted_until_it_goes_on(
    enter: Enter, operator: User, rotation: Rotation
) -> None:
    Rotation.objects.update(problem="calls", message="The old one still takes calls.")
    window = enter(operator)
    page = window.page
    attention = page.get_by_role("navigation", name="Main").get_by_role(
        "link", name="Needs attention"
    )
    expect(attention).to_contain_text("1 waiting")
    row = page.locator(f"#instance-{rotation.old_id}")
    expect(row.get_by_text("Rotation stands still")).to_be_visible()
    assert_fits(window, "list-halted")
    attention.click()
    expect(page.get_by_text("The old one still takes calls.")).to_be_visible()
    Rotation.objects.update(problem="", message="")
    page.reload()
    expect(attention).not_to_contain_text("waiting")


def test_guest_of_one_is_not_told_the_name_of_the_other(
    enter: Enter, make_user: Callable[..., User], rotation: Rotation
) -> None:
    guest = make_user("guest")
    Share.objects.create(
        instance=rotation.new, user=guest, level=ShareLevel.VIEW, granted_by=rotation.old.owner
    )
    page = enter(guest).page
    row = page.locator(f"#instance-{rotation.new_id}")
    expect(row.get_by_text("Replaces another one")).to_be_visible()
    expect(page.get_by_text(rotation.old.name)).to_have_count(0)


def halt_untestable() -> None:
    message = "The new one offers nothing harmless to ask."
    Rotation.objects.update(
        state=RotationState.PROVING, both_until=None, problem="untestable", message=message
    )


def test_somebody_who_tried_it_says_so(enter: Enter, operator: User, rotation: Rotation) -> None:
    halt_untestable()
    window = enter(operator)
    window.visit(rotation.new.get_absolute_url())
    window.page.get_by_role("link", name="I tried it: it works").click()
    assert_fits(window, "vouch")
    window.page.get_by_role("button", name="I tried it: it works").click()
    expect(window.page.get_by_text("on your word that the new one works")).to_be_visible()
    assert Rotation.objects.get().is_vouched


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_manages_neither_vouches_for_nothing(
    enter: Enter, member: Callable[..., User], rotation: Rotation, role: Role
) -> None:
    halt_untestable()
    window = enter(member(role, "another"))
    window.visit(rotation.new.get_absolute_url())
    expect(window.page.get_by_text("The rotation stands still")).to_be_visible()
    expect(window.page.get_by_role("link", name="I tried it")).to_have_count(0)


def test_copy_and_twin_are_offered_names_that_are_free(
    enter: Enter, operator: User, active: Instance, ask: Callable[..., Instance]
) -> None:
    today = f"{database_now():%Y-%m-%d}"
    ask(name="Billing sandbox (copy)")
    ask(name=f"Billing sandbox ({today})")
    window = enter(operator)
    name = window.page.locator("#id_name")
    for link, offered in (("New like this", "copy 2"), ("Rotate", f"{today}, 2")):
        window.visit(active.get_absolute_url())
        actions = window.page.locator(".page-actions")
        actions.get_by_role("link", name=link, exact=True).click()
        expect(name).to_have_value(f"Billing sandbox ({offered})")
