"""The worker's half: what a claimed operation leads to, against the real sandbox."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
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
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationSecret,
    OperationState,
    Organization,
)
from instances.vault import Purpose
from sandbox.running import Account

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
POST = ("POST", "/instances")


def work(rounds: int = 1) -> None:
    """Do what is due, as a worker does, once or several times."""
    for _ in range(rounds):
        for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
            drain.work_on(operation)


def posts(account: Account) -> list[object]:
    return [entry for entry in account.ledger() if (entry.method, entry.path) == POST]


def read(instance: Instance) -> Instance:
    instance.refresh_from_db()
    return instance


def test_instance_becomes_active_with_its_id_and_token(ask: Ask, account: Account) -> None:
    instance = ask()
    work()
    remote = account.only_instance()
    assert read(instance).status == InstanceStatus.ACTIVE
    assert instance.remote_id == remote["id"]
    token = vault.open_sealed(instance, "token", purpose=Purpose.SHOW)
    assert token.reveal() == remote["token"]


def test_attempt_keeps_the_request_id_of_its_answer(ask: Ask, account: Account) -> None:
    ask()
    work()
    attempt = Attempt.objects.get()
    assert attempt.http_status == 200
    assert len(attempt.request_id) == 24


def test_an_odd_date_does_not_hide_an_instance_with_our_tag(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    instance = ask()
    work()
    planted = account.add_instance(name=instance.name, tags=[Operation.objects.get().tag])
    account.change_instance(planted["id"], createdDate="nonsense")
    work(rounds=4)
    assert len(posts(account)) == 1
    assert read(instance).status == InstanceStatus.ACTIVE


def test_reply_is_kept_with_masks(ask: Ask, account: Account) -> None:
    instance = ask()
    work()
    read(instance)
    assert instance.configuration["password"] == "********"
    assert instance.configuration["username"] == account.sandbox.username
    assert instance.configuration["zuorav2.sandbox"] == "true"
    assert instance.element["hub"] == "payment"
    assert (instance.is_valid, instance.is_disabled) == (True, False)


def test_an_unmasked_reply_is_masked_before_it_is_stored(ask: Ask, account: Account) -> None:
    account.fault("unmasked")
    instance = ask()
    work()
    assert read(instance).status == InstanceStatus.ACTIVE
    assert account.sandbox.password not in str(instance.configuration)


def test_one_tag_is_added_to_those_asked_for(ask: Ask, account: Account) -> None:
    instance = ask()
    work()
    tag = Operation.objects.get().tag
    assert account.only_instance()["tags"] == ["billing", tag]
    assert read(instance).tag_names == ["billing", tag]


def test_credentials_are_erased_when_the_operation_ends(ask: Ask, account: Account) -> None:
    ask()
    assert OperationSecret.objects.count() == 1
    work()
    assert OperationSecret.objects.count() == 0


def test_lost_answer_is_shown_as_unknown_and_then_adopted(ask: Ask, account: Account) -> None:
    account.fault("commit then drop")
    instance = ask()
    work()
    assert read(instance).status == InstanceStatus.UNKNOWN
    work()
    assert read(instance).status == InstanceStatus.ACTIVE
    assert instance.remote_id == account.only_instance()["id"]
    assert len(posts(account)) == 1


def test_a_request_that_was_never_carried_out_is_repeated_once(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    instance = ask()
    work(rounds=5)
    assert read(instance).status == InstanceStatus.ACTIVE
    assert account.only_instance()["id"] == instance.remote_id
    outcomes = list(Attempt.objects.order_by("number").values_list("outcome", flat=True))
    assert outcomes == [AttemptOutcome.PROVEN_ABSENT, AttemptOutcome.SUCCEEDED]


def test_absent_twice_takes_a_person(ask: Ask, account: Account) -> None:
    account.fault("drop before commit", times=2)
    instance = ask()
    work(rounds=10)
    assert read(instance).status == InstanceStatus.NEEDS_PERSON
    assert len(posts(account)) == 2


def test_nothing_is_sent_again_before_absence_is_proven(
    ask: Ask, account: Account, settings: Settings
) -> None:
    settings.ENGINE = {**settings.ENGINE, "SETTLE_SECONDS": 900.0}
    account.fault("drop before commit")
    instance = ask()
    work(rounds=10)
    assert read(instance).status == InstanceStatus.UNKNOWN
    assert len(posts(account)) == 1


def test_an_html_404_is_not_taken_for_an_empty_list(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    account.fault("list 404 html", times=None)
    instance = ask()
    work(rounds=6)
    assert read(instance).status == InstanceStatus.UNKNOWN
    assert Operation.objects.get().clean_misses == 0


def test_wrong_zuora_credentials_are_a_rejection_that_says_whose(
    ask: Ask, account: Account
) -> None:
    instance = ask(
        configuration={"zuorav2.sandbox": True, "username": "nobody", "password": "wrong-one-1"}
    )
    work()
    assert read(instance).status == InstanceStatus.REJECTED
    operation = Operation.objects.get()
    assert "secrets are accepted" in operation.message
    assert "wrong-one-1" not in operation.message
    assert account.instances() == []


def test_refused_organization_secrets_block_until_they_are_replaced(
    ask: Ask, account: Account, organization: Organization
) -> None:
    account.fault("refuse secrets", times=None)
    instance = ask()
    work(rounds=3)
    organization.refresh_from_db()
    assert organization.is_refused
    assert read(instance).status == InstanceStatus.BLOCKED
    assert posts(account) == []


def test_missing_configuration_said_by_the_platform_is_passed_on(
    ask: Ask, account: Account
) -> None:
    instance = ask(element_key="jira", configuration={})
    work()
    assert read(instance).status == InstanceStatus.REJECTED
    assert "Missing required configuration" in Operation.objects.get().message


def test_throttled_request_waits_looks_and_goes_out_again(ask: Ask, account: Account) -> None:
    account.fault("throttle", retry_after=0)
    instance = ask()
    work(rounds=3)
    assert read(instance).status == InstanceStatus.ACTIVE
    assert len(account.instances()) == 1


def test_requester_who_lost_the_right_meanwhile_sends_nothing(
    ask: Ask, account: Account, operator: User
) -> None:
    instance = ask()
    Membership.objects.filter(user=operator).delete()
    work()
    assert read(instance).status == InstanceStatus.CANCELED
    assert account.ledger() == []
    assert OperationSecret.objects.count() == 0


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
