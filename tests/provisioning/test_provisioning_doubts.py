"""Workers that die, lose their lease or come twice make one instance."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.db.models.functions import Now
from pytest_django import Settings

from instances import vault
from instances.engine import drain, reconciliation
from instances.engine.claims import Claim, LeaseLostError, close_attempt, lease
from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Evidence,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
)
from sandbox.running import Account
from tests.provisioning.steps import Ask, posts, read, work

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_claim_finds_nothing_to_do(ask: Ask, account: Account) -> None:
    ask()
    first = Operation.objects.claim(worker="one", limit=5, lease=lease())
    second = Operation.objects.claim(worker="two", limit=5, lease=lease())
    assert (len(first), second) == (1, [])


def test_worker_that_lost_its_lease_changes_no_state_but_leaves_evidence(
    ask: Ask, account: Account
) -> None:
    instance = ask()
    stale = Operation.objects.claim(worker="slow", limit=1, lease=timedelta(0))[0]
    Operation.objects.filter(pk=stale.pk).update(lease_until=Now() - timedelta(seconds=1))
    fresh = Operation.objects.claim(worker="quick", limit=1, lease=lease())[0]
    drain.work_on(stale)
    assert posts(account) == []
    drain.work_on(fresh)
    assert read(instance).status == InstanceStatus.ACTIVE


def test_worker_that_lost_its_lease_notes_no_try_of_its_own(ask: Ask) -> None:
    ask()
    stale = Operation.objects.claim(worker="slow", limit=1, lease=timedelta(0))[0]
    Operation.objects.filter(pk=stale.pk).update(lease_until=Now() - timedelta(seconds=1))
    fresh = Operation.objects.claim(worker="quick", limit=1, lease=lease())[0]
    with pytest.raises(LeaseLostError):
        Claim(stale, stale.lease_epoch).note_unsent(error_class="late", message="Too late.")
    assert Claim(fresh, fresh.lease_epoch).last_attempt() is None


def test_crash_between_sending_and_storing_ends_in_adoption(ask: Ask, account: Account) -> None:
    instance = ask()
    claimed = Operation.objects.claim(worker="dies", limit=1, lease=lease())[0]
    claim = Claim(claimed, claimed.lease_epoch)
    claim.move(OperationState.CLAIMED)
    claim.open_attempt("127.0.0.1")
    account.add_instance(name=instance.name, tags=[claimed.tag], token="t" * 44)
    Operation.objects.update(lease_until=Now() - timedelta(seconds=1))
    work()
    assert read(instance).status == InstanceStatus.ACTIVE
    assert posts(account) == []


def test_crash_after_the_evidence_needs_no_second_request(ask: Ask, account: Account) -> None:
    account.fault("commit then drop")
    instance = ask()
    work()
    remote = account.only_instance()
    attempt = Attempt.objects.get()
    operation = Operation.objects.get()
    seen = Evidence(attempt=attempt, kind="answer", remote_id=remote["id"])
    seen.token = vault.seal(seen, "token", remote["token"])
    seen.save()
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.CREATED)
    work()
    assert read(instance).status == InstanceStatus.ACTIVE
    assert len(posts(account)) == 1


def test_several_instances_with_the_tag_take_a_person(ask: Ask, account: Account) -> None:
    account.fault("commit then drop")
    instance = ask()
    work()
    account.add_instance(name=instance.name, tags=[Operation.objects.get().tag])
    work()
    assert read(instance).status == InstanceStatus.NEEDS_PERSON
    assert "all seen with this tag" in Operation.objects.get().message


def test_an_instance_without_tags_but_with_the_name_takes_a_person(
    ask: Ask, account: Account
) -> None:
    account.fault("strip tags")
    account.fault("commit then drop")
    instance = ask()
    work(rounds=2)
    assert read(instance).status == InstanceStatus.NEEDS_PERSON
    assert "lacks our tag" in Operation.objects.get().message


def test_five_claims_without_a_trace_stop_the_operation(ask: Ask, account: Account) -> None:
    instance = ask()
    Operation.objects.update(claims=5)
    work()
    assert read(instance).status == InstanceStatus.NEEDS_PERSON
    assert account.ledger() == []


def test_a_lost_lease_is_no_worker_lost(ask: Ask) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    assert Operation.objects.get().claims == 1
    Operation.objects.update(lease_epoch=2, claims=2)
    drain.work_on(operation)
    assert Operation.objects.get().claims == 1


def test_unreachable_platform_is_tried_again_later(
    ask: Ask, organization: Organization, settings: Settings
) -> None:
    instance = ask()
    settings.EGRESS = {"API_HOSTS": "", "CA_BUNDLE": ""}
    work()
    assert read(instance).status == InstanceStatus.QUEUED
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.error_class) == (AttemptOutcome.NOT_SENT, "policy")


def test_every_end_is_audited(ask: Ask, account: Account) -> None:
    ask()
    work()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["instance.requested", "instance.created"]


def test_an_answer_that_comes_while_absence_is_being_proven_wins(
    ask: Ask, account: Account
) -> None:
    account.fault("drop before commit")
    instance = ask()
    work(rounds=3)
    attempt, operation = Attempt.objects.get(), Operation.objects.get()
    claimed = Operation.objects.claim(worker="looks", limit=1, lease=lease())[0]
    late = account.add_instance(name=instance.name, tags=[])
    seen = Evidence(attempt=attempt, kind="answer", remote_id=late["id"])
    seen.token = vault.seal(seen, "token", late["token"])
    seen.save()
    close_attempt(attempt, AttemptOutcome.SUCCEEDED)
    claim = Claim(claimed, claimed.lease_epoch)
    assert not reconciliation._absent(claim, attempt, misses=3)
    work()
    assert read(instance).remote_id == late["id"]
    assert len(posts(account)) == 1
    assert operation.attempts.count() == 1


def test_no_request_leaves_after_one_succeeded(ask: Ask, account: Account) -> None:
    ask()
    work()
    operation = Operation.objects.get()
    Operation.objects.update(state=OperationState.CLAIMED, finished_at=None)
    with pytest.raises(IntegrityError):
        Claim(operation, operation.lease_epoch).open_attempt("127.0.0.1")
