"""What is taken back is never called canceled before that is true."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances import access
from instances.engine import drain, housekeeping
from instances.engine.calls import HeldBackError
from instances.engine.claims import Claim, lease
from instances.models import (
    AuditEntry,
    CancelWish,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
    OperationState,
    Organization,
    Role,
)
from instances.operations import Choice, TooLateToCancelError, decide, request_cancel
from sandbox.running import Account
from tests.cases import absent_twice, posts, work

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
KEEP, DELETE = CancelWish.KEEP, CancelWish.DELETE


def read(instance: Instance) -> Instance:
    instance.refresh_from_db()
    return instance


def test_what_is_queued_is_canceled_at_once(ask: Ask, account: Account, operator: User) -> None:
    instance = ask()
    assert request_cancel(actor=operator, instance=instance, wish=KEEP)
    assert read(instance).status == InstanceStatus.CANCELED
    assert not OperationSecret.objects.exists()
    work()
    assert posts(account) == 0
    assert AuditEntry.objects.filter(action="instance.canceled").count() == 1


def test_what_waits_for_other_secrets_is_canceled_at_once(
    ask: Ask, account: Account, operator: User
) -> None:
    account.fault("refuse secrets", times=None)
    instance = ask()
    work()
    assert read(instance).status == InstanceStatus.BLOCKED
    assert request_cancel(actor=operator, instance=instance, wish=KEEP)
    assert read(instance).status == InstanceStatus.CANCELED


def test_a_claimed_one_is_canceled_by_its_worker_before_it_sends(
    ask: Ask, account: Account, operator: User
) -> None:
    instance = ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    assert not request_cancel(actor=operator, instance=instance, wish=KEEP)
    claim = Claim(operation, operation.lease_epoch)
    claim.move(OperationState.CLAIMED)
    with pytest.raises(HeldBackError):
        claim.open_attempt("127.0.0.1")
    Operation.objects.update(lease_until=Now())
    work()
    assert read(instance).status == InstanceStatus.CANCELED
    assert posts(account) == 0


def test_a_lost_request_is_canceled_once_its_absence_is_proven(
    ask: Ask, account: Account, operator: User
) -> None:
    account.fault("drop before commit")
    instance = ask()
    work()
    assert not request_cancel(actor=operator, instance=instance, wish=KEEP)
    assert read(instance).status == InstanceStatus.UNKNOWN
    work(4)
    assert read(instance).status == InstanceStatus.CANCELED
    assert posts(account) == 1
    assert account.instances() == []


def test_who_takes_it_back_during_the_last_look_is_heard(
    ask: Ask, account: Account, operator: User
) -> None:
    account.fault("drop before commit", times=2)
    instance = ask()
    while not is_before_the_last_look(instance):
        work()
    Operation.objects.update(next_run_at=Now())
    (held,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    assert not request_cancel(actor=operator, instance=instance, wish=KEEP)
    drain.work_on(held)
    assert read(instance).status == InstanceStatus.CANCELED
    assert posts(account) == 2


def is_before_the_last_look(instance: Instance) -> bool:
    operation = instance.operations.get()
    return (operation.attempts.count(), operation.clean_misses) == (2, 2)


def test_what_waits_for_a_person_cannot_be_taken_back(
    ask: Ask, account: Account, operator: User
) -> None:
    instance = absent_twice(ask, account).made
    with pytest.raises(TooLateToCancelError):
        request_cancel(actor=operator, instance=instance, wish=KEEP)
    assert not AuditEntry.objects.filter(action="instance.cancel_requested").exists()
    assert instance.operations.get().cancel_requested_at is None


def test_what_was_created_is_kept_if_so_wished(ask: Ask, account: Account, operator: User) -> None:
    account.fault("commit then drop")
    instance = ask()
    work()
    request_cancel(actor=operator, instance=instance, wish=KEEP)
    work(2)
    housekeeping.run()
    work()
    assert read(instance).status == InstanceStatus.ACTIVE
    assert len(account.instances()) == 1


def test_what_was_created_is_deleted_if_so_wished(
    ask: Ask, account: Account, operator: User
) -> None:
    account.fault("commit then drop")
    instance = ask()
    work()
    request_cancel(actor=operator, instance=instance, wish=DELETE)
    work(2)
    housekeeping.run()
    assert read(instance).status == InstanceStatus.DELETING
    housekeeping.run()
    work()
    assert read(instance).status == InstanceStatus.DELETED
    assert (instance.token, account.instances()) == ("", [])


def taken_back_too_late(ask: Ask, account: Account, actor: User) -> Instance:
    """It was created, and whoever took it back wants it deleted then."""
    account.fault("commit then drop")
    instance = ask()
    work()
    request_cancel(actor=actor, instance=instance, wish=DELETE)
    work(2)
    return instance


def test_the_right_to_delete_is_that_of_who_took_it_back(
    ask: Ask, account: Account, operator: User, member: Callable[..., User]
) -> None:
    instance = taken_back_too_late(ask, account, member(Role.ADMIN))
    operator.memberships.all().delete()
    housekeeping.run()
    work()
    assert read(instance).status == InstanceStatus.DELETED


def test_a_deletion_that_is_given_up_shows_the_instance_as_before(
    ask: Ask, account: Account, operator: User
) -> None:
    instance = taken_back_too_late(ask, account, operator)
    housekeeping.run()
    Instance.objects.update(account="another")
    work()
    deletion = Operation.objects.get(kind="delete")
    assert deletion.problem == "other-account"
    decide(actor=operator, operation=deletion, choice=Choice.MARK, reason="It is another's.")
    assert read(instance).status == InstanceStatus.ACTIVE


def test_taking_back_twice_changes_nothing(ask: Ask, account: Account, operator: User) -> None:
    account.fault("drop before commit")
    instance = ask()
    work()
    request_cancel(actor=operator, instance=instance, wish=DELETE)
    with pytest.raises(TooLateToCancelError):
        request_cancel(actor=operator, instance=instance, wish=KEEP)
    assert Operation.objects.get().cancel_wish == DELETE
    assert AuditEntry.objects.filter(action="instance.cancel_requested").count() == 1


def test_a_viewer_may_not_take_back(ask: Ask, member: Callable[..., User]) -> None:
    with pytest.raises(access.NotAllowedError):
        request_cancel(actor=member(Role.VIEWER), instance=ask(), wish=KEEP)


def test_nothing_leaves_while_the_breaker_is_open(ask: Ask, account: Account) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    Organization.objects.update(breaker="open", paused_until=Now())
    claim = Claim(operation, operation.lease_epoch)
    claim.move(OperationState.CLAIMED)
    with pytest.raises(HeldBackError):
        claim.open_attempt("127.0.0.1")


def test_what_was_refused_and_waits_for_other_secrets_is_canceled_at_once(
    ask: Ask, account: Account, operator: User
) -> None:
    ask(name="another, so that the account is known")
    work()
    account.fault("refuse secrets", times=None)
    instance = ask()
    work()
    assert Operation.objects.get(instance=instance).attempts.get().outcome == "rejected"
    assert read(instance).status == InstanceStatus.BLOCKED
    assert request_cancel(actor=operator, instance=instance, wish=KEEP)
    assert read(instance).status == InstanceStatus.CANCELED
