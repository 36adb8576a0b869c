"""What holds a rotation, and what lets it go on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from instances.engine import rotating
from instances.models import (
    Health,
    Instance,
    InstanceStatus,
    LogKind,
    Membership,
    OperationState,
    Organization,
    PlatformEntry,
    Role,
    Rotation,
    database_now,
)
from instances.operations import (
    RotationChoice,
    decide_rotation,
    request_instance_switch,
)
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.rotation.steps import (
    R,
    bring_the_day,
    come_to_an_end,
    forward,
    is_untouched,
    look,
    prove,
    show_valid,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_failed_test_halts_it_until_it_is_tested_again(
    created: Rotation, account: Account, operator: User
) -> None:
    show_valid(account, created.new, is_valid=False)
    rotation = prove(created)
    assert (rotation.state, rotation.problem) == (R.PROVING, "unproven")
    assert is_untouched(rotation)
    show_valid(account, created.new, is_valid=True)
    assert forward(rotation).problem == "unproven"
    decide_rotation(actor=operator, rotation=rotation, choice=RotationChoice.GO_ON)
    assert prove(rotation).state == R.BOTH


def test_a_test_asked_for_by_hand_lets_it_go_on(created: Rotation, account: Account) -> None:
    show_valid(account, created.new, is_valid=False)
    rotation = prove(created)
    show_valid(account, created.new, is_valid=True)
    Health.objects.ask_test(rotation.new, rotation.requester)
    look(rotation.organization)
    assert forward(rotation).state == R.BOTH


def test_a_twin_that_fails_later_keeps_the_old_one(both: Rotation, account: Account) -> None:
    show_valid(account, both.new, is_valid=False)
    # The proof from the beginning is a week old.
    both.new.health_checks.update(at=timezone.now() - timedelta(days=7))
    rotation = come_to_an_end(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "unproven")
    assert is_untouched(rotation)


def test_a_disabled_twin_keeps_the_old_one(both: Rotation, operator: User) -> None:
    request_instance_switch(
        requester=operator, instance=both.new, is_to_be_disabled=True, reason="A test."
    )
    work()
    rotation = forward(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "unusable")
    rotation = come_to_an_end(rotation)
    assert (rotation.state, rotation.problem) == (R.BOTH, "unusable")
    request_instance_switch(
        requester=operator, instance=read(both.new), is_to_be_disabled=False, reason="Over."
    )
    work()
    rotation = forward(rotation)
    both.new.health_checks.update(at=timezone.now() - timedelta(minutes=2))
    prove(rotation)
    assert prove(rotation).state == R.LEAVING


def test_a_deleted_twin_ends_it(both: Rotation) -> None:
    Instance.objects.filter(pk=both.new_id).update(status=InstanceStatus.DELETED, token="")
    rotation = forward(both)
    assert (rotation.state, is_untouched(rotation)) == (R.ENDED, True)


def test_calls_of_the_old_one_hold_it_until_they_end(both: Rotation) -> None:
    call = PlatformEntry.objects.create(
        instance=both.old, kind=LogKind.CALL, key="k1", at=timezone.now() + timedelta(seconds=1)
    )
    rotation = come_to_an_end(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "calls")
    assert is_untouched(rotation)
    PlatformEntry.objects.filter(pk=call.pk).update(at=timezone.now() - timedelta(hours=25))
    assert forward(rotation).state == R.LEAVING


def test_calls_from_before_the_new_one_worked_hold_nothing(both: Rotation) -> None:
    PlatformEntry.objects.create(
        instance=both.old, kind=LogKind.CALL, key="k1", at=both.since - timedelta(seconds=1)
    )
    assert come_to_an_end(both).state == R.LEAVING


def test_our_own_tests_are_no_calls(both: Rotation, operator: User) -> None:
    Health.objects.ask_test(both.old, operator)
    look(both.organization)
    test = both.old.health_checks.get()
    PlatformEntry.objects.create(
        instance=both.old,
        kind=LogKind.CALL,
        key="k1",
        at=timezone.now(),
        request_id=test.request_id,
    )
    assert test.request_id
    assert come_to_an_end(both).state == R.LEAVING


def test_whoever_says_that_all_have_moved_waits_for_no_calls(
    both: Rotation, operator: User
) -> None:
    PlatformEntry.objects.create(
        instance=both.old, kind=LogKind.CALL, key="k1", at=timezone.now() + timedelta(seconds=1)
    )
    decide_rotation(actor=operator, rotation=both, choice=RotationChoice.FINISH)
    assert prove(both).state == R.LEAVING


def test_usage_is_read_afresh_before_the_old_one_leaves(both: Rotation) -> None:
    bring_the_day(both)
    rotation = forward(both)
    assert Health.objects.get(pk=both.old_id).log_asked_at
    assert forward(rotation).state == R.BOTH
    assert is_untouched(rotation)


def test_whoever_lost_the_right_halts_it_and_another_takes_it_on(
    both: Rotation, operator: User, member: Callable[..., User]
) -> None:
    Membership.objects.filter(user=operator).delete()
    rotation = come_to_an_end(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "permission")
    assert is_untouched(rotation)
    admin = member(Role.ADMIN, "ada")
    decide_rotation(actor=admin, rotation=rotation, choice=RotationChoice.GO_ON)
    rotation = prove(rotation)
    assert (rotation.state, rotation.requester) == (R.LEAVING, admin)
    assert the_operation(rotation.old).requester == admin


def test_the_right_is_asked_again_before_the_twin_is_tested(
    created: Rotation, operator: User
) -> None:
    Membership.objects.filter(user=operator).delete()
    rotation = forward(created)
    assert (rotation.state, rotation.problem) == (R.PROVING, "permission")
    assert not Health.objects.filter(pk=created.new_id, asked_at__isnull=False).exists()


def test_something_under_way_with_the_old_one_is_waited_for(both: Rotation, operator: User) -> None:
    request_instance_switch(
        requester=operator, instance=both.old, is_to_be_disabled=True, reason="A test."
    )
    rotation = come_to_an_end(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "busy")
    work()
    rotation = forward(rotation)
    assert (rotation.state, the_operation(both.old).kind) == (R.LEAVING, "delete")


def test_a_switched_off_organization_holds_it(both: Rotation) -> None:
    bring_the_day(both)
    forward(both)
    look(both.organization)
    organization = Organization.objects.filter(pk=both.organization_id)
    organization.update(is_active=False)
    rotation = forward(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "organization")
    assert is_untouched(rotation)
    organization.update(is_active=True)
    assert forward(rotation).state == R.LEAVING


def test_a_disabling_that_is_lost_is_said_and_goes_on(both: Rotation, account: Account) -> None:
    rotation = come_to_an_end(both)
    account.fault("drop before commit", method="DELETE", path="/instances")
    work()
    assert the_operation(both.old).state == OperationState.UNKNOWN
    rotation = forward(rotation)
    assert (rotation.state, rotation.problem) == (R.LEAVING, "removal")
    assert rotation.look_at < database_now() + timedelta(seconds=3)
    work(2)
    rotation = forward(rotation)
    assert (rotation.problem, the_operation(both.old).kind) == ("", "delete")


def test_running_twice_asks_once(both: Rotation) -> None:
    come_to_an_end(both)
    rotating.step(both)
    rotating.step(both)
    assert both.old.operations.filter(kind="disable").count() == 1
