"""In a browser: an owner decides about what drifted, an admin ends what is under way."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from instances.models import (
    Instance,
    Intake,
    ListedInstance,
    Operation,
    Organization,
    Role,
    Synchronization,
    database_now,
)
from sandbox.running import Account
from tests.cases import synchronize, work
from tests.e2e.conftest import Visitor
from tests.e2e.test_drift import look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def drifted(ask: Callable[..., Instance], account: Account) -> Instance:
    """An instance that was renamed and tagged otherwise on the platform."""
    instance = ask()
    work()
    instance.refresh_from_db()
    account.change_instance(instance.remote_id or 0, name="Renamed there", tags=["theirs"])
    synchronize()
    return instance


def test_an_owner_accepts_theirs(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    operator: User,
    drifted: Instance,
) -> None:
    somebody = visitor(reduced_motion="reduce")
    somebody.sign_in(with_password(operator).get_username())
    somebody.visit(drifted.get_absolute_url())
    somebody.page.get_by_role("link", name="See both sides").click()
    assert somebody.accessibility_violations() == []
    assert somebody.overflow() <= 0
    somebody.page.get_by_role("button", name="Accept theirs").click()
    expect(somebody.page.get_by_text("Their values are taken over.")).to_be_visible()
    expect(somebody.page.get_by_role("heading", name="Renamed there")).to_be_visible()
    assert somebody.page.get_by_text("Changed on the platform").count() == 0


def test_an_owner_who_decides_too_late_is_told(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    operator: User,
    drifted: Instance,
    account: Account,
) -> None:
    somebody = visitor(reduced_motion="reduce")
    somebody.sign_in(with_password(operator).get_username())
    somebody.visit(reverse("instances:instance_drift", args=[drifted.pk]))
    account.change_instance(drifted.remote_id or 0, name="Renamed again")
    synchronize()
    somebody.page.get_by_role("button", name="Push ours").click()
    expect(somebody.page.get_by_text("it is not as it was shown any more")).to_be_visible()
    assert not Operation.objects.exclude(kind="create").exists()


def test_an_admin_ends_what_is_under_way(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    member: Callable[..., User],
    organization: Organization,
    drifted: Instance,
) -> None:
    ada = with_password(member(Role.ADMIN, "ada"))
    newest = ListedInstance.objects.get().pk
    Synchronization.objects.update(ended_at=None, listed=4200, expected=10_000)
    Synchronization.objects.update(began_at=database_now())
    Intake.objects.create(
        organization=organization, requester=ada, owner=ada, until=newest, total=9000, taken=3500
    )
    somebody = visitor(reduced_motion="reduce")
    somebody.sign_in("ada")
    somebody.visit(reverse("instances:organization_drift", args=[organization.pk]))
    expect(somebody.page.get_by_role("progressbar")).to_have_count(2)
    look(somebody, "under-way")
    somebody.page.get_by_role("button", name="Adopt no more").click()
    expect(somebody.page.get_by_text("No more are adopted.")).to_be_visible()
    somebody.page.get_by_role("button", name="Cancel the comparison").click()
    expect(somebody.page.get_by_text("It ends with the page that is being read.")).to_be_visible()
    look(somebody, "ended")
    assert Intake.objects.get().ended_at
    assert Synchronization.objects.get().cancel_asked_at
