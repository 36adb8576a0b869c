"""Absence is believed only when it is proven, and nothing is claimed before its time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Now

from instances.engine import provisioning, searching
from instances.engine.claims import Claim
from instances.models import (
    AttemptOutcome,
    Finding,
    Instance,
    InstanceStatus,
    Operation,
    Organization,
    Role,
)
from instances.operations import FindingChoice, decide_finding
from sandbox.running import Account
from tests.cases import claimed, work_when_due

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def test_nothing_is_claimed_before_it_is_due(ask: Ask) -> None:
    ask()
    Operation.objects.update(next_run_at=Now() + timedelta(hours=1))
    assert claimed() == []


def test_nothing_is_claimed_while_another_holds_it(ask: Ask) -> None:
    ask()
    Operation.objects.update(lease_until=Now() + timedelta(hours=1))
    assert claimed() == []


def test_nothing_is_claimed_for_an_organization_whose_secrets_were_refused(ask: Ask) -> None:
    ask()
    Organization.objects.update(secrets_refused_at=Now())
    assert claimed() == []


def test_nothing_is_claimed_for_an_organization_that_was_switched_off(ask: Ask) -> None:
    ask()
    Organization.objects.update(is_active=False)
    assert claimed() == []


def test_a_miss_counts_only_between_two_good_controls(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    ask()
    work_when_due()
    account.fault("refuse secrets", times=None, path="/organizations/me", skip=1)
    work_when_due()
    assert Operation.objects.get().clean_misses == 0
    assert Organization.objects.get().is_refused


def test_a_miss_counts_when_both_controls_are_good(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    ask()
    work_when_due()
    work_when_due()
    assert Operation.objects.get().clean_misses == 1


@pytest.mark.parametrize("fate", ["drop before commit", "commit then drop"])
def test_what_is_found_out_later_does_not_change_when_a_request_ended(
    ask: Ask, account: Account, fate: str
) -> None:
    account.fault(fate)
    operation = ask().operations.get()
    work_when_due()
    ended_at = operation.attempts.get().ended_at
    while operation.attempts.get(number=1).outcome == AttemptOutcome.UNKNOWN:
        Operation.objects.update(next_run_at=Now())
        work_when_due()
    assert operation.attempts.get(number=1).ended_at == ended_at


def test_a_list_that_hides_a_known_instance_proves_nothing(ask: Ask, account: Account) -> None:
    ask(name="known")
    work_when_due()
    account.change_instance(account.only_instance()["id"], tags=[])
    account.fault("drop before commit")
    instance = ask(name="lost")
    work_when_due()
    work_when_due()
    operation = Operation.objects.get(instance=instance)
    assert operation.clean_misses == 0
    assert "does not show an instance that is known" in operation.message


def test_secrets_replaced_after_the_request_prove_nothing(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    instance = ask()
    work_when_due()
    Operation.objects.get().attempts.update(secrets_version=7)
    work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.NEEDS_PERSON
    assert len([entry for entry in account.ledger() if entry.method == "POST"]) == 1


def posts(account: Account) -> int:
    return len([entry for entry in account.ledger() if entry.method == "POST"])


def test_our_tag_counts_whatever_the_clocks_say(ask: Ask, account: Account) -> None:
    ask(name="known")
    work_when_due()
    account.fault("commit then drop")
    instance = ask(name="lost")
    work_when_due()
    Operation.objects.get(instance=instance).attempts.update(started_at=Now() + timedelta(hours=1))
    for _ in range(5):
        work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.ACTIVE
    assert len(account.instances()) == 2


@pytest.mark.parametrize("name", ["Billing ", "A  <b>x</b> & co", "mail @ops now", "plain"])
def test_an_instance_that_lost_its_tags_is_known_by_its_cleaned_name(
    ask: Ask, account: Account, name: str
) -> None:
    ask(name="known")
    work_when_due()
    account.fault("strip tags")
    account.fault("commit then drop")
    instance = ask(name=name)
    for _ in range(6):
        work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.NEEDS_PERSON
    assert posts(account) == 2


def test_secrets_replaced_while_a_refusal_arrives_do_not_block(ask: Ask, account: Account) -> None:
    account.fault("refuse secrets", path="/organizations/me")
    instance = ask()
    held = claimed()
    Organization.objects.update(secrets_version=F("secrets_version") + 1)
    for operation in held:
        provisioning._block(Claim(operation, operation.lease_epoch))
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.QUEUED
    assert not Organization.objects.get().is_refused


def test_one_changed_instance_does_not_stop_the_proof(ask: Ask, account: Account) -> None:
    ask(name="known")
    work_when_due()
    ask(name="changed")
    work_when_due()
    newest = max(account.instances(), key=lambda found: found["id"])
    account.change_instance(newest["id"], tags=[])
    account.fault("drop before commit")
    lost = ask(name="lost")
    work_when_due()
    work_when_due()
    assert Operation.objects.get(instance=lost).clean_misses == 1


def test_a_refusal_that_its_own_worker_reported_late_blocks(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    instance = ask()
    work_when_due()
    Operation.objects.get().attempts.update(outcome="rejected", http_status=401)
    account.fault("refuse secrets", times=None)
    work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.BLOCKED
    assert Organization.objects.get().is_refused


def test_what_was_adopted_without_a_tag_of_its_own_does_not_stop_the_proof(
    ask: Ask, account: Account, member: Callable[..., User]
) -> None:
    ask(name="known")
    work_when_due()
    for _ in range(3):
        account.add_instance(element="zuorav2", name="x", tags=[Operation.objects.get().tag])
    Organization.objects.update(audit_due_at=Now())
    searching.run()
    admin = member(Role.ADMIN)
    for found in Finding.objects.all():
        decide_finding(actor=admin, finding=found, choice=FindingChoice.ADOPT, reason="Ours.")
    work_when_due()
    account.fault("drop before commit")
    lost = ask(name="lost")
    work_when_due()
    work_when_due()
    assert Operation.objects.get(instance=lost).clean_misses == 1


def test_instances_of_another_account_do_not_stop_the_proof(ask: Ask, account: Account) -> None:
    ask(name="known")
    work_when_due()
    Instance.objects.update(account="another")
    account.remove_instance(account.only_instance()["id"])
    account.fault("drop before commit")
    lost = ask(name="lost")
    work_when_due()
    work_when_due()
    assert Operation.objects.get(instance=lost).clean_misses == 1


def test_a_list_that_may_not_be_read_says_nothing_of_the_secrets(
    ask: Ask, account: Account
) -> None:
    account.fault("drop before commit")
    ask()
    work_when_due()
    account.fault("status", method="GET", path="/instances", status=403)
    work_when_due()
    assert Operation.objects.get().state == "unknown"
    assert not Organization.objects.get().is_refused


def test_who_lost_the_right_is_not_told_that_nothing_was_sent(
    ask: Ask, account: Account, operator: User
) -> None:
    account.fault("drop before commit")
    ask()
    work_when_due()
    operator.memberships.all().delete()
    for _ in range(4):
        work_when_due()
    operation = Operation.objects.get()
    assert operation.problem == "permission"
    assert "Nothing that had left created anything." in operation.message
