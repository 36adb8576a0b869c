"""Every address, asked by everybody: one table of what each may see or do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from instances import operations
from instances.models import (
    Element,
    Finding,
    FindingKind,
    Instance,
    Membership,
    NoticeKind,
    Notification,
    OperationState,
    Organization,
    Role,
    Scope,
    Share,
    ShareLevel,
    Team,
)
from tests.addresses import address
from tests.expected import (
    GONE,
    ROLES,
    SIGN_IN,
    TABLE,
)
from tests.states import put_in_state
from tests.telling.steps import add_delivery, add_webhook, note

pytestmark = pytest.mark.django_db


def names_in(patterns: list[Any], space: str = "") -> Iterator[str]:
    """Every URL name below `patterns`, with its namespace."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from names_in(pattern.url_patterns, space + inner)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}"


@pytest.fixture
def instance(ask: Callable[..., Instance], operator: User) -> Instance:
    """An active instance of the owner, with a share that can be removed."""
    instance = ask()
    put_in_state(instance, OperationState.SUCCEEDED)
    instance.refresh_from_db()
    Finding.objects.create(
        organization=instance.organization,
        operation=instance.operations.get(),
        kind=FindingKind.LATE,
        account=instance.account,
        remote_id=1,
        last_seen_at=timezone.now(),
    )
    operations.make_api_key(
        actor=operator,
        organization=instance.organization,
        name="Nightly export",
        scopes=[Scope.READ],
        lifetime=timedelta(days=7),
        networks=[],
        client_request_id=instance.pk,
    )
    Notification.objects.create(notice=note(instance, NoticeKind.CREATED), user=operator)
    add_delivery(add_webhook(instance.organization))
    team = Team.objects.create(name="Billing", organization=instance.organization)
    team.members.add(operator)
    for key, authentication in (("zuorav2", "oauth2"), ("ledgers", "basic")):
        Element.objects.create(
            organization=instance.organization,
            element_key=key,
            name=key,
            authentication=authentication,
            settings=[],
            seen_at=timezone.now(),
        )
    return instance


@pytest.fixture
def share(instance: Instance, operator: User, make_user: Callable[..., User]) -> Share:
    return Share.objects.create(
        instance=instance, user=make_user("somebody"), level=ShareLevel.VIEW, granted_by=operator
    )


@pytest.fixture
def client_as(
    instance: Instance,
    operator: User,
    member: Callable[..., User],
    make_user: Callable[..., User],
) -> Callable[[str], Client]:
    """A browser in which somebody of that role is signed in."""

    def shared(level: str, until: timedelta) -> User:
        user = make_user(f"with-{level}")
        expires_at = timezone.now() + until
        Share.objects.create(
            instance=instance, user=user, level=level, granted_by=operator, expires_at=expires_at
        )
        return user

    def removed() -> User:
        user = member(Role.ADMIN, "former")
        Membership.objects.filter(user=user).delete()
        return user

    people: dict[str, Callable[[], User]] = {
        "stranger": lambda: make_user("stranger"),
        "viewer": lambda: member(Role.VIEWER),
        "operator": lambda: member(Role.OPERATOR),
        "owner": lambda: operator,
        "admin": lambda: member(Role.ADMIN),
        "view": lambda: shared("view", timedelta(days=1)),
        "use": lambda: shared("use", timedelta(days=1)),
        "manage": lambda: shared("manage", timedelta(days=1)),
        "expired": lambda: shared("manage", -timedelta(seconds=1)),
        "removed": removed,
        "deactivated": lambda: member(Role.ADMIN, "leaver"),
        "staff": lambda: make_user("staff", is_staff=True),
        "superuser": lambda: User.objects.create_superuser("root"),
    }

    def sign_in(role: str) -> Client:
        client = Client()
        if role != "anonymous":
            client.force_login(user := people[role]())
            user.is_active = role != "deactivated"
            user.save()
        return client

    return sign_in


def test_every_address_has_a_row() -> None:
    ours = {
        name.removeprefix("instances:")
        for name in names_in(get_resolver().url_patterns)
        if not name.startswith(("admin:", "api:"))  # The API has a table of its own.
    }
    assert ours == set(TABLE)


@pytest.mark.parametrize("role", ROLES)
def test_answers_to_get(
    role: str, client_as: Callable[[str], Client], instance: Instance, share: Share
) -> None:
    client = client_as(role)
    answers = {
        name: client.get(address(name, instance, share)).status_code
        for name in TABLE
        if name != "readyz"
    }
    assert answers == {name: row[0][role] for name, row in TABLE.items() if name != "readyz"}


@contextmanager
def undone() -> Iterator[None]:
    """Take back what happens inside, so that the next address meets the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def again(client: Client) -> Client:
    """Return a browser with the same cookies, so that signing out in one leaves the other."""
    other = Client(enforce_csrf_checks=client.handler.enforce_csrf_checks)
    other.cookies.update(client.cookies)
    return other


@pytest.mark.parametrize("role", ROLES)
def test_answers_to_post(
    role: str, client_as: Callable[[str], Client], instance: Instance, share: Share
) -> None:
    client = client_as(role)
    answers = {}
    for name in TABLE:
        with undone():
            answers[name] = again(client).post(address(name, instance, share)).status_code
    assert answers == {name: row[1][role] for name, row in TABLE.items()}


def test_nothing_changes_without_a_token_against_forgery(
    instance: Instance, share: Share, operator: User
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    answers = {}
    for name in TABLE:
        if TABLE[name][1]["owner"] not in (405, GONE):
            with undone():
                answers[name] = again(client).post(address(name, instance, share)).status_code
                assert Share.objects.filter(pk=share.pk).exists()
    assert answers == dict.fromkeys(answers, 403)


def test_only_who_may_add_organizations_sees_the_form(
    client_as: Callable[[str], Client],
) -> None:
    assert client_as("superuser").get(reverse("instances:organization_new")).status_code == 200


def admin_addresses() -> list[str]:
    return [
        reverse(name)
        for name in names_in(get_resolver().url_patterns)
        if name.startswith("admin:instances") and name.endswith(("_changelist", "_add"))
    ]


@pytest.mark.parametrize("role", [role for role in ROLES if role != "staff"])
def test_admin_is_shut_to_all_but_staff(role: str, client_as: Callable[[str], Client]) -> None:
    client = client_as(role)
    assert {client.get(url).status_code for url in admin_addresses()} == {SIGN_IN}


def test_staff_without_permissions_sees_no_rows(client_as: Callable[[str], Client]) -> None:
    client = client_as("staff")
    assert {client.get(url).status_code for url in admin_addresses()} == {403}


def test_an_organization_of_others_does_not_exist(
    client_as: Callable[[str], Client], organization: Organization
) -> None:
    missing = reverse("instances:organization", args=["00000000-0000-7000-8000-000000000000"])
    client = client_as("stranger")
    forbidden = client.get(reverse("instances:organization", args=[organization.pk]))
    assert client.get(missing).status_code == forbidden.status_code == GONE
