"""What was seen on the platform becomes ours only where it was seen, and is not tried for ever."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Now

from instances import vault
from instances.engine import housekeeping
from instances.models import (
    CancelWish,
    Evidence,
    Finding,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
)
from instances.operations import Choice, candidates_for, decide, request_cancel
from sandbox.running import Account
from tests.cases import name_only, the_operation, work

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


@pytest.fixture
def seen(ask: Ask, account: Account) -> Operation:
    """The answer was saved, and the worker died before it stored the instance."""
    account.fault("commit then drop")
    instance = ask()
    work()
    operation = the_operation(instance)
    evidence = Evidence(
        attempt=operation.attempts.get(), kind="answer", remote_id=account.only_instance()["id"]
    )
    evidence.token = vault.seal(evidence, "token", "a-token")
    evidence.save()
    operation.attempts.update(outcome="succeeded")
    Operation.objects.update(state=OperationState.CREATED)
    return operation


@pytest.fixture
def chosen(ask: Ask, account: Account, operator: User) -> Operation:
    """A person chose an instance that has the name and lacks the tag."""
    operation = name_only(ask, account)
    found = candidates_for(operation).get()
    decide(
        actor=operator,
        operation=operation,
        choice=Choice.ADOPT,
        reason="It is ours.",
        remote_id=found.remote_id,
    )
    return operation


def replace_secrets() -> None:
    Organization.objects.update(account="")
    Operation.objects.get().attempts.update(secrets_version=F("secrets_version") + 1)


def read(operation: Operation) -> Operation:
    operation.refresh_from_db()
    return operation


def test_the_same_number_in_another_account_is_not_taken_for_ours(
    seen: Operation, account: Account
) -> None:
    replace_secrets()
    account.change_instance(account.only_instance()["id"], tags=["somebody-elses"])
    work()
    assert read(seen).problem == "other-secrets"
    assert Instance.objects.get().status == InstanceStatus.NEEDS_PERSON


def test_what_other_secrets_do_not_show_is_not_called_gone(
    seen: Operation, account: Account
) -> None:
    replace_secrets()
    account.remove_instance(account.only_instance()["id"])
    work(4)
    assert read(seen).problem == "other-secrets"


def test_our_tag_is_ours_whatever_secrets_show_it(seen: Operation) -> None:
    replace_secrets()
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE


def test_what_was_chosen_is_not_adopted_from_another_account(
    chosen: Operation, account: Account
) -> None:
    Finding.objects.update(account="another")
    work()
    assert read(chosen).problem == "other-account"
    assert chosen.tag not in account.only_instance()["tags"]


@pytest.mark.parametrize("case", ["seen", "chosen"])
def test_refused_secrets_stop_every_call(
    request: pytest.FixtureRequest, account: Account, case: str
) -> None:
    request.getfixturevalue(case)
    account.fault("refuse secrets", times=None)
    work()
    assert Organization.objects.get().is_refused
    calls = len(account.ledger())
    work(3)
    assert len(account.ledger()) == calls


@pytest.mark.parametrize("case", ["seen", "chosen"])
def test_after_a_day_of_trying_to_read_it_a_person_decides(
    request: pytest.FixtureRequest, account: Account, case: str
) -> None:
    operation = request.getfixturevalue(case)
    number = account.only_instance()["id"]
    account.fault("status", method="GET", path=f"/instances/{number}", status=500, times=None)
    work()
    assert read(operation).state == OperationState.CREATED
    Operation.objects.update(decided_at=Now() - timedelta(days=2))
    work()
    assert (read(operation).state, operation.problem) == (OperationState.NEEDS_PERSON, "unread")


def test_after_secrets_were_replaced_the_account_is_learned_before_anything_is_stored(
    ask: Ask, account: Account, operator: User
) -> None:
    account.fault("commit then drop")
    instance = ask()
    work()
    request_cancel(actor=operator, instance=instance, wish=CancelWish.DELETE)
    Organization.objects.update(account="")
    work()
    housekeeping.run()
    work()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.DELETED
