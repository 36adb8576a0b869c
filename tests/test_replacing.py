"""Secrets are replaced make-before-break: checked first, the old ones used until then; and verified."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances import operations, vault
from instances.access import NotAllowedError
from instances.engine import accounts, replacing, verifying
from instances.models import (
    AuditEntry,
    Candidate,
    CandidateState,
    Instance,
    InstanceStatus,
    Membership,
    OperationState,
    Organization,
    Role,
)
from instances.operations import SecretPair
from instances.secret import Secret
from instances.vault import Purpose
from sandbox.running import Account, Sandbox
from tests.conftest import put_in_state

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def pair_of(account: Account) -> SecretPair:
    return SecretPair(Secret(account.user_secret), Secret(account.organization_secret))


@pytest.fixture
def admin(member: Callable[..., User]) -> User:
    return member(Role.ADMIN, "ada")


@pytest.fixture
def known(organization: Organization) -> Organization:
    """The organization, its account known from an earlier call."""
    accounts.identify(organization, accounts.client_for(organization))
    return organization


def enter(organization: Organization, actor: User, pair: SecretPair, **changes: object) -> None:
    """Enter new secrets as the form does."""
    asked: dict[str, Any] = {
        "name": organization.name,
        "base_url": organization.base_url,
        "is_active": True,
    }
    operations.change_organization(
        actor=actor,
        organization=organization,
        environment_label="",
        secrets=pair,
        **(asked | changes),
    )


def read(organization: Organization) -> Organization:
    return Organization.objects.get(pk=organization.pk)


def opened(organization: Organization) -> str:
    return vault.open_sealed(read(organization), "user_secret", purpose=Purpose.CHECK).reveal()


def test_accepted_ones_take_the_place_of_the_old_ones(
    known: Organization, admin: User, account: Account
) -> None:
    before = opened(known)
    account.reset_secrets()
    enter(known, admin, pair_of(account))
    assert opened(known) == before
    replacing.run()
    assert opened(known) == account.user_secret
    row = read(known)
    assert row.secrets_version == 2
    assert row.account == known.account
    assert row.verified_at
    assert account.login in row.person
    assert not Candidate.objects.exists()
    assert AuditEntry.objects.filter(action="organization.secrets_replaced", actor=admin).exists()


def test_calls_go_on_with_the_old_ones_while_new_ones_are_checked(
    known: Organization, admin: User, account: Account, pair: SecretPair
) -> None:
    enter(known, admin, pair)
    assert accounts.client_for(read(known)).identify()


def test_refused_ones_are_erased_and_the_old_ones_stay(
    known: Organization, admin: User, pair: SecretPair
) -> None:
    before = opened(known)
    enter(known, admin, pair)
    replacing.run()
    new = Candidate.objects.get()
    assert (new.state, new.user_secret, new.organization_secret) == (CandidateState.REFUSED, "", "")
    assert opened(known) == before
    assert not read(known).is_refused
    assert read(known).failures == 0


def test_another_account_is_said_and_waits_for_a_person(
    known: Organization, admin: User, sandbox: Sandbox
) -> None:
    other, before = sandbox.new_account(), opened(known)
    enter(known, admin, pair_of(other))
    replacing.run()
    new = Candidate.objects.get()
    assert new.state == CandidateState.OTHER_ACCOUNT
    assert new.account_name == other.organization_name
    assert opened(known) == before
    replacing.run()
    assert opened(known) == before


def test_another_account_is_used_once_confirmed(
    known: Organization, admin: User, sandbox: Sandbox
) -> None:
    other = sandbox.new_account()
    enter(known, admin, pair_of(other))
    replacing.run()
    account = Candidate.objects.get().account
    operations.confirm_secrets(actor=admin, organization=known, account=account)
    replacing.run()
    assert opened(known) == other.user_secret
    assert read(known).account == account


def test_only_the_account_that_was_shown_can_be_confirmed(
    known: Organization, admin: User, sandbox: Sandbox
) -> None:
    enter(known, admin, pair_of(sandbox.new_account()))
    replacing.run()
    with pytest.raises(operations.NothingToConfirmError):
        operations.confirm_secrets(actor=admin, organization=known, account="some-other")


def test_a_confirmation_is_for_these_secrets_only(
    known: Organization, admin: User, sandbox: Sandbox
) -> None:
    first, second = sandbox.new_account(), sandbox.new_account()
    enter(known, admin, pair_of(first))
    replacing.run()
    account = Candidate.objects.get().account
    operations.confirm_secrets(actor=admin, organization=known, account=account)
    enter(known, admin, pair_of(second))
    replacing.run()
    assert Candidate.objects.get().state == CandidateState.OTHER_ACCOUNT


def test_a_platform_that_does_not_tell_the_account_needs_a_person_too(
    known: Organization, admin: User, account: Account
) -> None:
    account.reset_secrets()
    account.set(identity_allowed=False)
    enter(known, admin, pair_of(account))
    replacing.run()
    assert Candidate.objects.get().state == CandidateState.OTHER_ACCOUNT


def test_while_the_platform_is_away_they_wait_longer_and_longer(
    known: Organization, admin: User, account: Account
) -> None:
    account.reset_secrets()
    account.fault("status", times=None, path="/organizations/me", method="GET", status=503)
    enter(known, admin, pair_of(account))
    pauses = []
    for _ in range(3):
        Candidate.objects.update(due_at=Now())
        replacing.run()
        pauses.append((Candidate.objects.get().due_at - timezone.now()).total_seconds())
    assert pauses[0] < 16 < pauses[1] < 31 < pauses[2]
    assert read(known).failures == 0
    account.clear_faults()
    Candidate.objects.update(due_at=Now())
    replacing.run()
    assert opened(known) == account.user_secret


def test_one_worker_asks_while_another_finds_nothing_to_do(
    known: Organization, admin: User, account: Account, pair: SecretPair
) -> None:
    enter(known, admin, pair)
    Candidate.objects.update(due_at=timezone.now() + timedelta(seconds=60))
    seen = len(account.ledger())
    replacing.run()
    assert len(account.ledger()) == seen


def test_newer_ones_are_not_overtaken_by_older_ones(
    known: Organization, admin: User, account: Account, pair: SecretPair
) -> None:
    account.reset_secrets()
    enter(known, admin, pair_of(account))
    older = Candidate.objects.select_related("organization", "asked_by").get()
    enter(known, admin, pair)
    before = opened(known)
    replacing.check(older)
    assert opened(known) == before
    assert Candidate.objects.get().state == CandidateState.WAITING


def test_who_lost_the_right_meanwhile_changes_nothing(
    known: Organization, admin: User, account: Account
) -> None:
    before = opened(known)
    account.reset_secrets()
    enter(known, admin, pair_of(account))
    Membership.objects.filter(user=admin).update(role=Role.VIEWER)
    seen = len(account.ledger())
    replacing.run()
    assert opened(known) == before
    assert Candidate.objects.get().state == CandidateState.REFUSED
    assert len(account.ledger()) == seen


def test_nothing_is_asked_for_an_organization_that_is_not_in_use(
    known: Organization, admin: User, account: Account
) -> None:
    enter(known, admin, pair_of(account), is_active=False)
    seen = len(account.ledger())
    replacing.run()
    assert len(account.ledger()) == seen


def test_accepted_ones_let_go_on_what_waited(
    ask: Ask, known: Organization, admin: User, account: Account
) -> None:
    instance = ask()
    put_in_state(instance, OperationState.BLOCKED)
    Organization.objects.update(secrets_refused_at=Now())
    account.reset_secrets()
    enter(known, admin, pair_of(account))
    replacing.run()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.QUEUED
    assert not read(known).is_refused


def test_the_organization_moves_with_them(
    known: Organization, admin: User, account: Account
) -> None:
    account.reset_secrets()
    operations.secrets.propose_secrets(
        admin,
        known,
        base_url=known.base_url + "/",
        user_secret=Secret(account.user_secret),
        organization_secret=Secret(account.organization_secret),
    )
    replacing.run()
    assert read(known).base_url == known.base_url + "/"


def test_they_do_not_open_in_another_place(
    known: Organization, admin: User, pair: SecretPair
) -> None:
    enter(known, admin, pair)
    Candidate.objects.update(base_url="https://api.cloud-elements.com/elements/api-v2")
    with pytest.raises(vault.UnreadableError):
        vault.open_sealed(Candidate.objects.get(), "user_secret", purpose=Purpose.CHECK)


def test_taken_back_they_are_erased(known: Organization, admin: User, pair: SecretPair) -> None:
    enter(known, admin, pair)
    assert operations.discard_secrets(actor=admin, organization=known)
    assert not operations.discard_secrets(actor=admin, organization=known)
    assert not Candidate.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_admins_confirm_and_discard(
    known: Organization, member: Callable[..., User], role: Role
) -> None:
    somebody = member(role)
    with pytest.raises(NotAllowedError):
        operations.discard_secrets(actor=somebody, organization=known)
    with pytest.raises(NotAllowedError):
        operations.confirm_secrets(actor=somebody, organization=known, account="any")


def test_verifying_tells_whose_they_are_and_when_they_were_accepted(
    organization: Organization, operator: User, account: Account
) -> None:
    assert operations.request_verification(actor=operator, organization=organization)
    assert not operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    row = read(organization)
    assert row.account_name == account.organization_name
    assert account.login in row.person
    assert row.verified_at
    assert row.verify_asked_at is None
    assert row.account.endswith(str(account.organization_id))


def test_without_a_name_of_the_user_the_account_is_enough(
    organization: Organization, operator: User, account: Account
) -> None:
    account.set(user_me_supported=False)
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    row = read(organization)
    assert (row.account_name, row.person) == (account.organization_name, "")


def test_verifying_refused_secrets_stops_the_organization(
    organization: Organization, operator: User, account: Account
) -> None:
    account.reset_secrets()
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    assert read(organization).is_refused
    assert read(organization).verify_asked_at is None


def test_a_question_without_an_answer_keeps_the_last_success(
    organization: Organization, operator: User, account: Account
) -> None:
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    before = read(organization).verified_at
    account.fault("status", path="/organizations/me", method="GET", status=503)
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    row = read(organization)
    assert row.verified_at == before
    assert "503" in row.verify_problem


def test_secrets_are_verified_by_themselves_once_in_a_period(
    organization: Organization, account: Account, settings: Settings
) -> None:
    seen = len(account.ledger())
    verifying.run()
    assert len(account.ledger()) == seen
    settings.HEALTH = {**settings.HEALTH, "VERIFY_EVERY": 3600.0}
    verifying.run()
    verifying.run()
    assert len(account.ledger()) == seen + 2
    assert read(organization).verify_due_at > timezone.now() + timedelta(minutes=50)


def test_the_page_says_what_becomes_of_new_secrets(
    client: Client, known: Organization, admin: User, sandbox: Sandbox, pair: SecretPair
) -> None:
    client.force_login(admin)
    address = known.get_absolute_url()

    def text() -> str:
        return " ".join(client.get(address).content.decode().split())

    enter(known, admin, pair)
    assert "New secrets are being checked" in text()
    assert "hx-trigger" in text()
    replacing.run()
    assert "The new secrets are not used" in text()
    assert "hx-trigger" not in text().split('id="secrets"')[1].split("</section>")[0]
    client.post(reverse("instances:secrets_discard", args=[known.pk]))
    assert "The new secrets are not used" not in text()
    other = sandbox.new_account()
    enter(known, admin, pair_of(other))
    replacing.run()
    assert "open another account" in text()
    assert other.organization_name in text()
    account = Candidate.objects.get().account
    client.post(reverse("instances:secrets_confirm", args=[known.pk]), {"account": "wrong"})
    assert "open another account" in text()
    client.post(reverse("instances:secrets_confirm", args=[known.pk]), {"account": account})
    replacing.run()
    assert opened(known) == other.user_secret
    assert other.organization_name in text()


def test_the_page_verifies_on_demand(
    client: Client, organization: Organization, operator: User
) -> None:
    client.force_login(operator)
    address = reverse("instances:organization_verify", args=[organization.pk])
    assert "Verify now" in client.get(organization.get_absolute_url()).content.decode()
    client.post(address)
    page = client.get(organization.get_absolute_url()).content.decode()
    assert "Asking the platform" in page
    verifying.run()
    assert "Asking the platform" not in client.get(organization.get_absolute_url()).content.decode()
