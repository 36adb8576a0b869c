"""What the pages of an instance offer to each role, and what opens for it all the same."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from instances.models import (
    AuditEntry,
    Instance,
    ListedInstance,
    Organization,
    Role,
    Share,
    Standing,
)
from tests.e2e.conftest import Visitor
from tests.expected import MANAGES, TABLE, USES
from tests.states import TOKEN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Enter = Callable[[str], Visitor]
PEOPLE = ("owner", "admin", "manage", "operator", "use", "viewer", "view", "stranger")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CREATES = ("owner", "admin", "operator")
# Pages that change something, and the links that lead to them.
ACTIONS = {
    "edit": "Edit",
    "reauthenticate": "Re-authenticate",
    "rotate": "Rotate",
    "disable": "Disable",
    "delete": "Delete",
    "instance_drift": "See both sides",
}


@pytest.fixture
def drifted(active: Instance) -> Instance:
    """An instance that is ready, and that was renamed on the platform."""
    now = timezone.now()
    ListedInstance.objects.create(
        organization=active.organization,
        instance=active,
        remote_id=active.remote_id or 0,
        name="Renamed there",
        digest="0" * 64,
        standing=Standing.CHANGED,
        differences=["name"],
        first_seen_at=now,
        last_seen_at=now,
    )
    return active


@pytest.fixture
def enter(
    drifted: Instance,
    operator: User,
    member: Callable[..., User],
    make_user: Callable[..., User],
    visitor: Callable[..., Visitor],
) -> Enter:
    """Open a window in which somebody of a role, or with a share, is signed in."""

    def person(role: str) -> User:
        if role == "owner":
            return operator
        if role in Role.values:
            return member(Role(role), f"the-{role}")
        user = make_user(f"with-{role}")
        until = timezone.now() + timedelta(days=1)
        if role != "stranger":
            Share.objects.create(
                instance=drifted, user=user, level=role, granted_by=operator, expires_at=until
            )
        return user

    def enter(role: str) -> Visitor:
        window = visitor()
        window.be(person(role))
        return window

    return enter


def is_offered(window: Visitor, kind: Literal["link", "button"], words: str) -> bool:
    return window.page.get_by_role(kind, name=words, exact=True).count() > 0


def test_a_token_waits_for_a_reason_where_its_organization_wants_one(
    enter: Enter, drifted: Instance
) -> None:
    Organization.objects.update(asks_reason=True)
    window = enter("owner")
    window.visit(reverse("instances:token", args=[drifted.pk]))
    page = window.page
    page.emulate_media(reduced_motion="reduce")
    for width, scheme in itertools.product((1280, 360), SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert window.accessibility_violations() == []
        assert window.overflow() <= 0
    page.get_by_role("button", name="Reveal").click()
    reason = page.get_by_label("Why you need the token")
    expect(reason).to_be_focused()  # the browser leads to what is missing
    assert not AuditEntry.objects.filter(action="token.revealed").exists()
    reason.fill("Nightly export")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator("[data-secret-output]")).to_have_text(TOKEN)
    assert AuditEntry.objects.get(action="token.revealed").detail["reason"] == "Nightly export"


@pytest.mark.parametrize("role", PEOPLE)
def test_pages_offer_what_their_reader_may_do_and_nothing_more_opens(
    role: str, enter: Enter, drifted: Instance
) -> None:
    window = enter(role)
    names = ("detail", "instance_health", "token", "sharing", *ACTIONS, "enable", "hand_over")
    paths = {name: reverse(f"instances:{name}", args=[drifted.pk]) for name in names}
    window.visit(paths["detail"])
    offered = [name for name, words in ACTIONS.items() if is_offered(window, "link", words)]
    assert offered == (list(ACTIONS) if role in MANAGES else [])
    assert is_offered(window, "link", "Share") == (role in MANAGES)
    assert is_offered(window, "link", "New like this") == (role in CREATES)
    window.visit(paths["instance_health"])
    assert is_offered(window, "button", "Test now") == (role in USES)
    window.visit(paths["token"])
    assert is_offered(window, "button", "Reveal") == (role in USES)
    # Opened all the same, one as a page and the others by the same browser's requests.
    window.visit(paths["edit"])
    heading = window.page.get_by_role("heading", level=1).inner_text()
    assert (heading == "Page not found") == (role not in MANAGES)
    asked = window.page.request
    answers = {name: asked.get(window.address + path).status for name, path in paths.items()}
    assert answers == {name: TABLE[name][0][role] for name in names}
