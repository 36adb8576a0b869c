"""New secrets wait for the platform, a person, or newer ones."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from instances import operations, vault
from instances.access import NotAllowedError
from instances.engine import replacing
from instances.models import (
    Candidate,
    CandidateState,
    InstanceStatus,
    Membership,
    OperationState,
    Organization,
    Role,
)
from instances.operations import SecretPair
from instances.secret import Secret
from instances.vault import Purpose
from sandbox.running import Account
from tests.replacing.steps import Ask, enter, opened, pair_of, read
from tests.states import put_in_state

pytestmark = pytest.mark.django_db(transaction=True)


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
