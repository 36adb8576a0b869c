"""An organization's secrets are replaced make-before-break."""

import pytest
from django.contrib.auth.models import User

from instances import operations
from instances.engine import accounts, replacing
from instances.models import (
    AuditEntry,
    Candidate,
    CandidateState,
    Organization,
)
from instances.operations import SecretPair
from sandbox.running import Account, Sandbox
from tests.replacing.steps import enter, opened, pair_of, read

pytestmark = pytest.mark.django_db(transaction=True)


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
