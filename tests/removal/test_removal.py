"""An instance is disabled, counted down and deleted, and that is proven."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from instances import vault
from instances.models import (
    Attempt,
    AttemptOutcome,
    CredentialPrint,
    Evidence,
    Instance,
    InstanceStatus,
    Operation,
)
from instances.operations import (
    NoTokenError,
    delete_at,
    reveal_token,
)
from instances.vault import Purpose
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.removal.steps import Delete, S, bring_the_day, sent, stands

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_disabled_counted_down_and_deleted(
    counted: Instance, account: Account, operator: User
) -> None:
    assert stands(counted) == ("delete", S.QUEUED, InstanceStatus.ACTIVE)
    assert counted.is_disabled
    until = delete_at(counted)
    assert until
    assert timedelta(days=6.9) < until - timezone.now() < timedelta(days=7.1)
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert account.instances() == []
    assert sent(account) == ["DELETE enabled", f"DELETE {counted.remote_id}"]


def test_nothing_brings_its_day_forward(counted: Instance, account: Account) -> None:
    work(3)
    assert stands(counted) == ("delete", S.QUEUED, InstanceStatus.ACTIVE)
    assert sent(account) == ["DELETE enabled"]
    assert Operation.objects.filter(kind="delete", next_run_at__gt=Now() + timedelta(days=6))


@pytest.mark.usefixtures("at_once")
def test_without_a_countdown_it_is_deleted_at_once(
    delete: Delete, made: Instance, account: Account
) -> None:
    delete()
    work(2)
    assert stands(made) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert account.instances() == []


def test_no_secret_is_left_of_it(counted: Instance, operator: User) -> None:
    seen = Evidence.objects.get()
    assert vault.open_sealed(seen, "token", purpose=Purpose.CHECK).reveal()
    assert CredentialPrint.objects.exists()
    bring_the_day(counted)
    work()
    seen.refresh_from_db()
    assert read(counted).token == ""
    assert not CredentialPrint.objects.exists()
    assert vault.open_sealed(seen, "token", purpose=Purpose.CHECK).reveal() == ""
    with pytest.raises(NoTokenError):
        reveal_token(actor=operator, instance=read(counted))


def test_it_is_believed_between_two_controls(counted: Instance, account: Account) -> None:
    bring_the_day(counted)
    before = len(account.ledger())
    work()
    calls = [f"{one.method} {one.path.rpartition('/')[2]}" for one in account.ledger()[before:]]
    gone = f"{counted.remote_id}"
    assert calls == ["GET me", f"DELETE {gone}", "GET me", f"GET {gone}", "GET me"]


def test_an_answer_without_a_deletion_is_not_believed(counted: Instance, account: Account) -> None:
    account.fault("status", method="DELETE", path=f"/instances/{counted.remote_id}", status=200)
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.UNKNOWN, InstanceStatus.DELETING)
    assert the_operation(counted).problem == "still-there"
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


@pytest.mark.parametrize(("kind", "requests"), [("commit then drop", 1), ("drop before commit", 2)])
def test_a_lost_answer_is_looked_up(
    counted: Instance, account: Account, kind: str, requests: int
) -> None:
    account.fault(kind, method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work(2)
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert sent(account).count(f"DELETE {counted.remote_id}") == requests


def test_a_worker_that_died_after_sending_leaves_nothing_in_doubt(
    counted: Instance, account: Account
) -> None:
    account.fault("commit then drop", method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work()
    Attempt.objects.filter(operation__kind="delete").update(
        outcome=AttemptOutcome.IN_FLIGHT, ended_at=None
    )
    Operation.objects.filter(kind="delete").update(state=S.SENDING)
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


def test_what_is_in_use_is_explained(counted: Instance, account: Account) -> None:
    account.set(delete_in_use=True)
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.REJECTED, InstanceStatus.ACTIVE)
    operation = the_operation(counted)
    assert operation.problem == "in-use"
    assert "in use by a formula instance" in operation.message
    assert "Remove what uses it" in operation.message


def test_what_is_gone_before_its_day_is_proven(counted: Instance, account: Account) -> None:
    assert counted.remote_id
    account.remove_instance(counted.remote_id)
    bring_the_day(counted)
    work(2)
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


def test_what_is_gone_already_is_proven_and_not_counted_down(
    delete: Delete, made: Instance, account: Account
) -> None:
    assert made.remote_id
    account.remove_instance(made.remote_id)
    delete()
    work(3)
    assert stands(made) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert read(made).token == ""
