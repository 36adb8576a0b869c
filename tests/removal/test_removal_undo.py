"""A deletion is undone, taken back, refused, and asked for by whom."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances import access
from instances.models import (
    AuditEntry,
    CancelWish,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationKind,
    OperationState,
    Organization,
    Role,
)
from instances.models.states import moves_of
from instances.operations import (
    Choice,
    NameDiffersError,
    NotChangeableError,
    SwitchedOffError,
    TooLateError,
    choices_for,
    decide,
    delete_at,
    request_cancel,
    request_instance_switch,
    undo_instance_deletion,
)
from instances.operations.restore import accept_restore
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.removal.steps import Delete, S, bring_the_day, sent, stands

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_undone_and_enabled_again(
    counted: Instance, account: Account, operator: User
) -> None:
    undo_instance_deletion(actor=operator, instance=counted)
    work()
    assert stands(counted) == ("enable", S.SUCCEEDED, InstanceStatus.ACTIVE)
    assert account.only_instance()["disabled"] is False
    assert Operation.objects.get(kind="delete").state == S.CANCELED
    assert AuditEntry.objects.get(action="instance.deletion_undone").actor == operator
    assert delete_at(counted) is None


@pytest.mark.parametrize("state", [S.QUEUED, S.BLOCKED])
def test_undoing_is_a_move_of_the_table(state: OperationState) -> None:
    assert state in moves_of(OperationKind.DELETE)[S.CANCELED]
    assert S.UNKNOWN not in moves_of(OperationKind.DELETE)[S.CANCELED]


def test_what_was_disabled_before_stays_so_when_it_is_undone(
    delete: Delete, made: Instance, account: Account, operator: User
) -> None:
    request_instance_switch(
        requester=operator, instance=made, is_to_be_disabled=True, reason="Broken."
    )
    work()
    delete(instance=read(made))
    assert stands(made) == ("delete", S.QUEUED, InstanceStatus.ACTIVE)
    undo_instance_deletion(actor=operator, instance=read(made))
    work()
    assert account.only_instance()["disabled"] is True
    assert sent(account) == ["DELETE enabled"]


def test_what_a_worker_holds_is_not_undone(counted: Instance, operator: User) -> None:
    Operation.objects.filter(kind="delete").update(lease_until=Now() + timedelta(minutes=1))
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)
    assert stands(counted)[1] == S.QUEUED


def test_what_may_have_left_is_not_undone(
    counted: Instance, account: Account, operator: User
) -> None:
    account.fault("commit then drop", method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work()
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)


def test_what_may_have_left_is_not_undone_even_if_it_waits_again(
    counted: Instance, account: Account, operator: User
) -> None:
    account.fault("commit then drop", method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work()
    Operation.objects.filter(kind="delete").update(state=S.QUEUED, lease_until=None)
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)


def test_undoing_twice_is_too_late(counted: Instance, operator: User) -> None:
    undo_instance_deletion(actor=operator, instance=counted)
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)


def test_taken_back_while_it_is_disabled_it_is_not_deleted(
    delete: Delete, made: Instance, account: Account, operator: User
) -> None:
    account.fault("commit then drop", method="DELETE", path="/instances")
    delete()
    work()
    request_cancel(actor=operator, instance=made, wish=CancelWish.KEEP)
    work(2)
    assert stands(made) == ("disable", S.SUCCEEDED, InstanceStatus.ACTIVE)
    assert not Operation.objects.filter(kind="delete").exists()


def test_a_refused_disabling_begins_no_countdown(
    delete: Delete, made: Instance, account: Account
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=400, message="No.")
    delete()
    work(2)
    assert stands(made) == ("disable", S.REJECTED, InstanceStatus.ACTIVE)
    assert delete_at(made) is None


def test_who_lost_the_right_meanwhile_is_not_obeyed(
    counted: Instance, account: Account, operator: User
) -> None:
    Membership.objects.filter(user=operator).delete()
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.REJECTED, InstanceStatus.ACTIVE)
    assert the_operation(counted).problem == "permission"
    assert len(account.instances()) == 1


def test_a_day_of_trying_begins_with_its_day(counted: Instance, account: Account) -> None:
    Operation.objects.filter(kind="delete").update(created_at=Now() - timedelta(days=7))
    bring_the_day(counted)
    account.fault("status", method="GET", path="/organizations", status=503)
    work()
    assert the_operation(counted).state == S.QUEUED
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


def test_after_a_restored_backup_a_person_decides(counted: Instance, operator: User) -> None:
    accept_restore()
    operation = the_operation(counted)
    assert (operation.state, operation.problem) == (S.NEEDS_PERSON, "restored")
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)
    decide(actor=operator, operation=operation, choice=Choice.MARK, reason="It was undone.")
    assert stands(counted) == ("delete", S.REJECTED, InstanceStatus.ACTIVE)


def test_another_name_deletes_nothing(delete: Delete, made: Instance) -> None:
    with pytest.raises(NameDiffersError):
        delete(typed_name="Billing")
    assert not made.operations.exclude(kind="create").exists()
    delete(typed_name=str(made.remote_id))


def test_only_who_manages_it_may_ask_or_undo(
    delete: Delete, counted: Instance, member: Callable[..., User]
) -> None:
    stranger = member(Role.OPERATOR, "otto")
    with pytest.raises(access.NotAllowedError):
        delete(requester=stranger)
    with pytest.raises(access.NotAllowedError):
        undo_instance_deletion(actor=stranger, instance=counted)


def test_nothing_else_is_done_meanwhile(delete: Delete, counted: Instance, operator: User) -> None:
    with pytest.raises(NotChangeableError):
        delete(instance=counted)
    with pytest.raises(NotChangeableError):
        request_instance_switch(
            requester=operator, instance=counted, is_to_be_disabled=False, reason="No."
        )


def test_nothing_is_asked_of_an_organization_that_is_switched_off(
    delete: Delete, made: Instance
) -> None:
    Organization.objects.update(is_active=False)
    with pytest.raises(SwitchedOffError):
        delete(instance=read(made))
