"""An instance is made on the platform, and what came of it is known."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from instances import vault
from instances.models import (
    Attempt,
    AttemptOutcome,
    InstanceStatus,
    Membership,
    Operation,
    OperationSecret,
    Organization,
)
from instances.vault import Purpose
from sandbox.running import Account
from tests.provisioning.steps import Ask, posts, read, work

pytestmark = pytest.mark.django_db(transaction=True)


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
