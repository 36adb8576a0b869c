"""Every page, in both color schemes, wide and narrow: no violation, nothing wider than the window."""

import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from instances import operations
from instances.models import (
    ApiKey,
    Instance,
    Membership,
    OperationState,
    Organization,
    Role,
    Scope,
    Share,
    ShareLevel,
    Team,
)
from tests.e2e.conftest import Visitor
from tests.states import put_in_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WINDOWS = [
    pytest.param({"width": 1600, "height": 1000}, id="wide"),
    pytest.param({"width": 360, "height": 800}, id="narrow"),
]
STATES = [
    OperationState.QUEUED,
    OperationState.BLOCKED,
    OperationState.SENDING,
    OperationState.UNKNOWN,
    OperationState.NEEDS_PERSON,
    OperationState.SUCCEEDED,
    OperationState.REJECTED,
    OperationState.CANCELED,
]
Ask = Callable[..., Instance]


@pytest.fixture
def with_keys(operator: User, organization: Organization) -> ApiKey:
    """Keys of the operator's: one that works from one network, one with a successor, one revoked."""
    made = []
    for name in ("Nightly export", "Deployments", "Former"):
        asked: dict[str, Any] = {"organization": organization, "name": name, "scopes": list(Scope)}
        asked |= {"lifetime": timedelta(days=90), "networks": ["192.0.2.0/24"]}
        key, _ = operations.make_api_key(actor=operator, client_request_id=uuid.uuid4(), **asked)
        made.append(key)
    overlap: dict[str, Any] = {"overlap": timedelta(days=7), "client_request_id": uuid.uuid4()}
    operations.rotate_api_key(actor=operator, key=made[1], **overlap)
    operations.revoke_api_key(actor=operator, key=made[2])
    return made[0]


@pytest.fixture
def in_every_state(
    ask: Ask, operator: User, make_user: Callable[..., User], with_keys: ApiKey
) -> list[Instance]:
    """One instance in each state, the one that is ready also shared."""
    made = []
    for state in STATES:
        instance = ask(name=f"Zuora {state.label}")
        put_in_state(instance, state)
        made.append(instance)
    Share.objects.create(
        instance=made[5], user=make_user("tara"), level=ShareLevel.USE, granted_by=operator
    )
    return made


# Pages that are about nothing, and about one instance.
PLAIN = [
    "start",
    "list",
    "new",
    "activity",
    "attention",
    "organizations",
    "organization_new",
    "audit_list",
    "status",
    "account",
    "keys",
    "key_new",
    "notifications",
    "preferences",
    "account_password",
    "account_sessions",
    "account_factors",
    "app_add",
    "passkey_add",
    "confirm",
]
OF_INSTANCE = [
    "configuration",
    "instance_activity",
    "token",
    "sharing",
    "instance_health",
    "record",
]


def pages(made: list[Instance], organization: Organization) -> list[str]:
    """The address of every page that a member can open."""
    ready = made[5].pk
    share = Share.objects.first()
    assert share is not None
    return [
        *[reverse(f"instances:{name}") for name in PLAIN],
        reverse("instances:list") + "?q=nothing-like-it",
        *[reverse("instances:detail", args=[instance.pk]) for instance in made],
        *[reverse(f"instances:{name}", args=[ready]) for name in OF_INSTANCE],
        reverse("instances:cancel", args=[made[3].pk]),
        reverse("instances:decide", args=[made[4].operations.get().pk]),
        reverse("instances:share_remove", args=[share.pk]),
        reverse("instances:organization", args=[organization.pk]),
        reverse("api:documentation"),
        reverse("instances:organization_keys", args=[organization.pk]),
        *[
            reverse(f"instances:{name}", args=[ApiKey.objects.earliest("pk").pk])
            for name in ("key_rotate", "key_revoke")
        ],
        *of_people(made[5], organization),
        "/no-such-page/",
    ]


def of_people(shared: Instance, organization: Organization) -> list[str]:
    """The address of every page about the people of an organization."""
    of, owner = organization.pk, shared.owner_id
    team = Team.objects.create(name="Finance", organization=organization)
    operations.compose_team(actor=shared.owner, team=team, people=User.objects.all())
    level = ShareLevel.VIEW
    operations.share_instance(actor=shared.owner, instance=shared, level=level, team=team)
    operations.reveal_token(actor=shared.owner, instance=shared)
    return [
        reverse("instances:organization_people", args=[of]),
        reverse("instances:organization_person", args=[of, owner]),
        reverse("instances:organization_person_remove", args=[of, owner]),
        reverse("instances:organization_teams", args=[of]),
        reverse("instances:organization_team", args=[of, team.pk]),
        reverse("instances:organization_team_delete", args=[of, team.pk]),
        reverse("instances:hand_over", args=[shared.pk]),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_pages_are_accessible_and_fit(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    in_every_state: list[Instance],
    organization: Organization,
    operator: User,
    window: dict[str, int],
    scheme: str,
) -> None:
    operator.is_superuser = operator.is_staff = True
    with_password(operator)
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    somebody = visitor(viewport=window, color_scheme=scheme)
    somebody.visit("/sign-in/")
    problems = {"/sign-in/": somebody.accessibility_violations()}
    somebody.sign_in("olivia")
    for path in pages(in_every_state, organization):
        somebody.visit(path)
        if shots := os.environ.get("SHOTS"):
            name = f"{path.strip('/').replace('/', '-')[-60:]}-{scheme}-{window['width']}"
            somebody.page.screenshot(path=f"{shots}/{name}.png", full_page=True)
        problems[path] = somebody.accessibility_violations()
        if (wider := somebody.overflow()) > 0:
            problems[path].append(f"{wider} pixels wider than the window")
    assert {path: found for path, found in problems.items() if found} == {}


def test_admin_obeys_the_policy(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    in_every_state: list[Instance],
    operator: User,
) -> None:
    operator.is_superuser = operator.is_staff = True
    with_password(operator)
    somebody = visitor()
    somebody.sign_in("olivia")
    somebody.visit(reverse("admin:index"))
    links = somebody.page.locator("#content-main th a").evaluate_all(
        "found => found.map(link => link.getAttribute('href'))"
    )
    assert len(links) > 8
    for link in links:
        somebody.visit(link)
        assert somebody.page.locator("#content").is_visible()


@pytest.mark.parametrize("width", [1240, 1600])
def test_filters_stand_in_one_line(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    organization: Organization,
    operator: User,
    width: int,
) -> None:
    Organization.objects.update(name="Production of the whole of Northern Europe")
    with_password(operator)
    somebody = visitor(viewport={"width": width, "height": 800})
    somebody.sign_in("olivia")
    toolbar = somebody.page.locator(".toolbar")
    if shots := os.environ.get("SHOTS"):
        somebody.page.screenshot(path=f"{shots}/filters-{width}.png")
    lines = toolbar.locator(":scope > :visible").evaluate_all(
        """parts => new Set(parts.map(part => {
            const box = part.getBoundingClientRect();
            return Math.round((box.top + box.bottom) / 2);
        })).size"""
    )
    assert lines == 1
    assert toolbar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
    assert somebody.overflow() <= 0
