"""Django admin: looks at everything, shows no secret, and calls the same operations."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from instances import vault
from instances.models import (
    Attempt,
    AuditEntry,
    Candidate,
    Delivery,
    Element,
    Evidence,
    Finding,
    Health,
    HealthCheck,
    Instance,
    ListedInstance,
    Membership,
    Notice,
    NoticeKind,
    Notification,
    Operation,
    OperationState,
    Organization,
    PlatformEntry,
    Role,
    Share,
    Team,
    Webhook,
)
from instances.vault import Purpose
from tests.states import TOKEN, put_in_state
from tests.telling.steps import add_delivery, add_webhook, note

# What was read from the platform, and what waits for a person.
READ = (Health, HealthCheck, ListedInstance, Element, PlatformEntry, Candidate, Finding)
TOLD = (Notice, Notification, Webhook, Delivery)
READ_ONLY = (Instance, Operation, Attempt, AuditEntry, *READ, *TOLD)
MODELS = (Organization, Membership, Team, Share, *READ_ONLY)
# Of which there may be a million.
LARGE = [
    f'"{model._meta.db_table}"'
    for model in (*READ_ONLY, Share)
    if model not in (Candidate, Element, Webhook)
]


@pytest.fixture
def root(make_user: Callable[..., User]) -> User:
    """A superuser, member of nothing."""
    return make_user("root", is_superuser=True, is_staff=True)


@pytest.fixture
def desk(root: User) -> Client:
    """A browser in which the superuser is signed in."""
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def world(active: Instance, operator: User) -> Instance:
    """One row of everything."""
    Team.objects.create(name="Finance")
    Share.objects.create(instance=active, user=operator, level="view", granted_by=operator)
    evidence = Evidence(attempt=Attempt.objects.get(), kind="answer", remote_id=7)
    evidence.token = vault.seal(evidence, "token", TOKEN)
    evidence.save()
    _read_from_the_platform(active)
    add_delivery(add_webhook(active.organization))
    Notification.objects.create(notice=note(active, NoticeKind.CREATED), user=operator)
    return active


def _read_from_the_platform(instance: Instance) -> None:
    organization, now = instance.organization, timezone.now()
    Health.objects.create(instance=instance, organization=organization, checked_at=now)
    HealthCheck.objects.create(instance=instance, method="ping", result="healthy")
    PlatformEntry.objects.create(instance=instance, kind="call", key="1", at=now, path="/accounts")
    Element.objects.create(organization=organization, element_key="zuorav2", name="Z", seen_at=now)
    ListedInstance.objects.create(
        organization=organization,
        remote_id=5,
        digest="0" * 64,
        standing="only_there",
        first_seen_at=now,
        last_seen_at=now,
    )
    Finding.objects.create(
        organization=organization,
        kind="orphan",
        account=instance.account,
        remote_id=6,
        last_seen_at=now,
    )
    new = Candidate(organization=organization, base_url=organization.base_url)
    new.user_secret = vault.seal(new, "user_secret", TOKEN)
    new.organization_secret = vault.seal(new, "organization_secret", TOKEN)
    new.save(force_insert=True)


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:instances_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_no_admin_page_shows_a_secret_or_ciphertext(
    desk: Client, world: Instance, model: Any
) -> None:
    row = model.objects.first()
    for address in (url(model, "changelist"), url(model, "change", row.pk)):
        response = desk.get(address)
        assert response.status_code == 200
        page = response.content.decode()
        assert "ce1." not in page
        assert TOKEN not in page


@pytest.mark.parametrize("model", READ_ONLY)
def test_no_list_counts_a_whole_table_or_all_its_values(
    desk: Client, world: Instance, model: Any
) -> None:
    with CaptureQueriesContext(connection) as captured:
        desk.get(url(model, "changelist"))
    asked = [
        one["sql"] for one in captured if any(f"FROM {table}" in one["sql"] for table in LARGE)
    ]
    whole = [sql for sql in asked if "DISTINCT" in sql or ("COUNT(" in sql and "LIMIT" not in sql)]
    assert whole == []


@pytest.mark.parametrize("model", READ_ONLY)
def test_each_list_can_be_searched(desk: Client, world: Instance, model: Any) -> None:
    answer = desk.get(url(model, "changelist"), {"q": "no-such-thing"})
    assert answer.status_code == 200
    assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize("model", READ_ONLY)
def test_facts_are_neither_added_nor_changed_nor_deleted(
    desk: Client, world: Instance, model: Any
) -> None:
    row = model.objects.first()
    assert desk.get(url(model, "add")).status_code == 403
    assert desk.post(url(model, "change", row.pk), {"name": "x"}).status_code == 403
    assert desk.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_staff_without_permission_sees_nothing(client: Client, make_user: Any) -> None:
    client.force_login(make_user("clerk", is_staff=True))
    assert client.get(url(Instance, "changelist")).status_code == 403


def organization_form(base_url: str = "api.cloud-elements.com", **changes: str) -> dict[str, str]:
    return {"name": "Acme", "base_url": base_url, "is_active": "on", **changes}


def test_organization_is_added_with_sealed_secrets(desk: Client, root: User) -> None:
    secrets = {"typed_user_secret": "planted-1", "typed_organization_secret": "planted-2"}
    response = desk.post(url(Organization, "add"), organization_form(**secrets), follow=True)
    assert "planted" not in response.content.decode()
    organization = Organization.objects.get()
    opened = vault.open_sealed(organization, "user_secret", purpose=Purpose.CHECK)
    assert opened.reveal() == "planted-1"
    assert AuditEntry.objects.get(action="organization.created").actor == root


def test_organization_added_as_switched_off_stays_off(desk: Client) -> None:
    form = organization_form(typed_user_secret="one", typed_organization_secret="two")
    del form["is_active"]
    desk.post(url(Organization, "add"), form)
    assert not Organization.objects.get().is_active


def test_organization_keeps_secrets_left_empty(desk: Client, organization: Organization) -> None:
    before = organization.user_secret
    desk.post(
        url(Organization, "change", organization.pk), organization_form(organization.base_url)
    )
    organization.refresh_from_db()
    assert (organization.name, organization.user_secret) == ("Acme", before)
    assert AuditEntry.objects.filter(action="organization.changed").exists()


def test_organization_moves_only_with_both_secrets(
    desk: Client, organization: Organization
) -> None:
    address = url(Organization, "change", organization.pk)
    typed = organization_form(base_url="staging.cloud-elements.com")
    page = desk.post(address, typed | {"typed_user_secret": "planted"}).content.decode()
    assert "Organization secret is missing." in page
    assert "planted" not in page
    before = organization.base_url
    organization.refresh_from_db()
    assert organization.base_url == before


def test_organization_moves_with_both_once_they_are_checked(
    desk: Client, organization: Organization
) -> None:
    secrets = {"typed_user_secret": "new-1", "typed_organization_secret": "new-2"}
    typed = organization_form(base_url="staging.cloud-elements.com", **secrets)
    desk.post(url(Organization, "change", organization.pk), typed)
    new = Candidate.objects.get()
    assert new.base_url == "https://staging.cloud-elements.com/elements/api-v2"
    opened = vault.open_sealed(new, "organization_secret", purpose=Purpose.CHECK)
    assert opened.reveal() == "new-2"


def test_organization_is_not_deleted(desk: Client, organization: Organization) -> None:
    address = url(Organization, "delete", organization.pk)
    assert desk.post(address, {"post": "yes"}).status_code == 403


def test_membership_is_recorded_when_given_and_taken(
    desk: Client, organization: Organization, make_user: Any
) -> None:
    typed = {"user": make_user("nora").pk, "organization": organization.pk, "role": Role.VIEWER}
    desk.post(url(Membership, "add"), typed)
    membership = Membership.objects.get()
    desk.post(url(Membership, "delete", membership.pk), {"post": "yes"})
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["membership.added", "membership.removed"]


def test_team_is_recorded_with_its_people(desk: Client, make_user: Any) -> None:
    desk.post(url(Team, "add"), {"name": "Finance", "members": [make_user("nora").pk]})
    assert AuditEntry.objects.get(action="team.joined").detail == {"person": "nora"}


def test_share_needs_the_right_to_manage(desk: Client, active: Instance, make_user: Any) -> None:
    typed = {"instance": active.pk, "user": make_user("nora").pk, "level": "use"}
    page = desk.post(url(Share, "add"), typed).content.decode()
    assert "You may not manage this instance." in page
    assert not Share.objects.exists()


def test_share_is_given_and_ended_by_the_operations(
    desk: Client, root: User, active: Instance, make_user: Any
) -> None:
    Membership.objects.create(user=root, organization=active.organization, role=Role.ADMIN)
    typed = {"instance": active.pk, "user": make_user("nora").pk, "level": "use"}
    desk.post(url(Share, "add"), typed)
    share = Share.objects.get()
    assert share.granted_by == root
    desk.post(url(Share, "delete", share.pk), {"post": "yes"})
    assert AuditEntry.objects.filter(action__in=["instance.shared", "share.removed"]).count() == 2


def act(desk: Client, action: str) -> str:
    chosen = {"action": action, "_selected_action": [str(Operation.objects.get().pk)]}
    return desk.post(url(Operation, "changelist"), chosen, follow=True).content.decode()


def test_look_now_calls_the_same_operation(
    desk: Client, root: User, ask: Callable[..., Instance], organization: Organization
) -> None:
    put_in_state(ask(), OperationState.UNKNOWN)
    assert "1 left out" in act(desk, "look_now")
    Membership.objects.create(user=root, organization=organization, role=Role.OPERATOR)
    assert "Looking for 1 lost answers." in act(desk, "look_now")
    assert AuditEntry.objects.filter(action="instance.look_requested").count() == 1


def test_a_test_is_asked_for_by_the_same_operation(
    desk: Client, root: User, world: Instance
) -> None:
    chosen = {"action": "test_now", "_selected_action": [str(world.pk)]}
    page = desk.post(url(Health, "changelist"), chosen, follow=True).content.decode()
    assert "1 left out" in page
    Membership.objects.create(user=root, organization=world.organization, role=Role.OPERATOR)
    page = desk.post(url(Health, "changelist"), chosen, follow=True).content.decode()
    assert "1 will be tested now." in page
    assert AuditEntry.objects.filter(action="health.test_requested", actor=root).count() == 1
