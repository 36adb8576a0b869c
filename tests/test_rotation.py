"""An instance is rotated: a twin beside it, both for a while, then the old one leaves; stops are said."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from instances.engine import health, rotating
from instances.models import (
    AuditEntry,
    Health,
    Instance,
    InstanceStatus,
    LogKind,
    Membership,
    Operation,
    OperationState,
    Organization,
    PlatformEntry,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
    database_now,
)
from instances.operations import (
    NotChangeableError,
    RequestReusedError,
    RotationChoice,
    RotationDecidedError,
    TooLateError,
    decide_rotation,
    request_instance_deletion,
    request_instance_rotation,
    request_instance_switch,
    rotation_choices,
    undo_instance_deletion,
)
from instances.operations.restore import accept_restore
from sandbox.running import Account
from tests.cases import the_operation, work

pytestmark = pytest.mark.django_db(transaction=True)

R = RotationState
Ask = Callable[..., Instance]
Rotate = Callable[..., Rotation]


@pytest.fixture
def made(ask: Ask) -> Instance:
    """An instance that a worker made on the platform."""
    instance = ask()
    work()
    return read(instance)


@pytest.fixture
def rotate(made: Instance, operator: User, account: Account) -> Rotate:
    """Ask that `made` is rotated."""

    def rotate(**changes: object) -> Rotation:
        asked: dict[str, Any] = {
            "requester": operator,
            "old": made,
            "name": "Billing sandbox (2026-11-23)",
            "configuration": {
                "zuorav2.sandbox": True,
                "username": account.sandbox.username,
                "password": account.sandbox.password,
            },
            "tag_names": ["billing"],
            "client_request_id": uuid.uuid4(),
            "days": 7.0,
        }
        return request_instance_rotation(**{**asked, **changes})

    return rotate


@pytest.fixture
def created(rotate: Rotate) -> Rotation:
    """A rotation whose new one was created and not tested yet."""
    rotation = rotate()
    work()
    return forward(rotation)


@pytest.fixture
def both(created: Rotation) -> Rotation:
    """A rotation whose two instances work, for a week."""
    return prove(created)


@pytest.fixture
def leaving(both: Rotation) -> Rotation:
    """A rotation whose old one is disabled, and deleted in a week."""
    rotation = come_to_an_end(both)
    work()
    return forward(rotation)


def read(instance: Instance) -> Instance:
    return Instance.objects.select_related("organization").get(pk=instance.pk)


def forward(rotation: Rotation) -> Rotation:
    """Take a step, as a worker does, and read what came of it."""
    rotating.step(rotation)
    return Rotation.objects.select_related("old", "new", "requester").get(pk=rotation.pk)


def look(organization: Organization) -> None:
    """Make the checks and read the logs that were asked for."""
    health.run(organization)


def prove(rotation: Rotation) -> Rotation:
    """Have the new one tested, and see what that proves."""
    rotation = forward(rotation)
    look(rotation.organization)
    return forward(rotation)


def bring_the_day(rotation: Rotation) -> None:
    Rotation.objects.filter(pk=rotation.pk).update(both_until=database_now())


def come_to_an_end(rotation: Rotation) -> Rotation:
    """Let the day come, the usage be read, and the old one be asked to leave."""
    bring_the_day(rotation)
    return prove(rotation)


def show_valid(account: Account, instance: Instance, *, is_valid: bool) -> None:
    """Have the platform say whether an instance is valid."""
    assert instance.remote_id
    account.change_instance(instance.remote_id, valid=is_valid)


def changes_of(account: Account) -> list[str]:
    """Return what was sent that changes something, after both were made."""
    changed = [entry for entry in account.ledger() if entry.method in ("DELETE", "PUT", "PATCH")]
    return [f"{entry.method} {entry.path.rpartition('/')[2]}" for entry in changed]


def is_untouched(rotation: Rotation) -> bool:
    """Tell whether the old one is as it was."""
    old = read(rotation.old)
    return (old.status, old.is_disabled, old.operations.count()) == ("active", False, 1)


def test_it_is_rotated_from_beginning_to_end(both: Rotation, account: Account) -> None:
    assert both.state == R.BOTH
    assert both.both_until
    assert timedelta(days=6.9) < both.both_until - timezone.now() < timedelta(days=7.1)
    assert is_untouched(both)
    assert forward(both).state == R.BOTH
    rotation = come_to_an_end(both)
    assert (rotation.state, rotation.problem) == (R.LEAVING, "")
    work()
    deletion = the_operation(rotation.old)
    assert (deletion.kind, deletion.state, read(rotation.old).is_disabled) == (
        "delete",
        OperationState.QUEUED,
        True,
    )
    assert forward(rotation).problem == ""
    deletion.payload["until"] = (timezone.now() - timedelta(seconds=1)).isoformat()
    deletion.save()
    work()
    rotation = forward(rotation)
    assert rotation.state == R.DONE
    assert read(rotation.old).status == InstanceStatus.DELETED
    assert account.only_instance()["id"] == read(rotation.new).remote_id
    assert changes_of(account) == ["DELETE enabled", f"DELETE {rotation.old.remote_id}"]


def test_the_twin_takes_over_owner_shares_and_tags(
    rotate: Rotate, made: Instance, member: Callable[..., User], make_user: Callable[..., User]
) -> None:
    until = timezone.now() + timedelta(days=3)
    Share.objects.create(
        instance=made,
        user=make_user("una"),
        level=ShareLevel.USE,
        expires_at=until,
        granted_by=made.owner,
    )
    Share.objects.create(
        instance=made,
        user=make_user("expired"),
        level=ShareLevel.USE,
        expires_at=timezone.now() - timedelta(days=1),
        granted_by=made.owner,
    )
    admin = member(Role.ADMIN, "ada")
    twin = read(rotate(requester=admin).new)
    assert twin.owner == made.owner
    share = twin.shares.get()
    assert (share.recipient, share.level, share.expires_at) == ("una", "use", until)
    assert twin.tag_names == ["billing", f"replaces-{made.remote_id}"]
    assert twin.operations.get().requester == admin


def test_a_form_sent_twice_begins_one_rotation(rotate: Rotate, account: Account) -> None:
    key = uuid.uuid4()
    assert rotate(client_request_id=key) == rotate(client_request_id=key)
    work(2)
    assert len(account.instances()) == 2
    with pytest.raises(RequestReusedError):
        rotate(client_request_id=key, name="Another")


def test_only_one_rotation_at_a_time(rotate: Rotate, made: Instance) -> None:
    rotate()
    with pytest.raises(NotChangeableError):
        rotate()
    assert Instance.objects.exclude(pk=made.pk).count() == 1


def test_what_is_counted_down_is_not_rotated(
    rotate: Rotate, made: Instance, operator: User
) -> None:
    request_instance_deletion(
        requester=operator, instance=made, typed_name=made.name, reason="It is over."
    )
    work()
    with pytest.raises(NotChangeableError):
        rotate()
    assert Rotation.objects.count() == 0


def test_without_days_the_old_one_leaves_once_the_new_one_is_proven(rotate: Rotate) -> None:
    rotation = rotate(days=0.0)
    work()
    rotation = prove(forward(rotation))
    assert rotation.state == R.BOTH
    assert prove(rotation).state == R.LEAVING


def test_a_twin_that_is_refused_ends_it(rotate: Rotate, account: Account) -> None:
    rotation = rotate(configuration={"zuorav2.sandbox": True, "username": "x", "password": "y"})
    work()
    rotation = forward(rotation)
    assert (rotation.state, read(rotation.new).status) == (R.ENDED, "rejected")
    assert "was not created" in rotation.message
    assert is_untouched(rotation)
    assert len(account.instances()) == 1


def test_a_twin_whose_answer_is_lost_halts_it_until_it_is_found(
    rotate: Rotate, account: Account
) -> None:
    account.fault("commit then drop")
    rotation = rotate()
    work()
    rotation = forward(rotation)
    assert (rotation.state, rotation.problem) == (R.CREATING, "creation")
    assert "unknown" in rotation.message
    work()
    rotation = forward(rotation)
    assert (rotation.state, rotation.problem) == (R.PROVING, "")
    assert len(account.instances()) == 2


def test_a_twin_that_needs_a_person_halts_it(rotate: Rotate) -> None:
    rotation = rotate()
    operation = rotation.new.operations.get()
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.NEEDS_PERSON)
    rotation = forward(rotation)
    assert rotation.problem == "creation"
    assert "person" in rotation.message
    assert rotation.look_at > database_now() + timedelta(seconds=30)


def test_the_old_one_is_not_touched_while_the_new_one_is_not_proven(created: Rotation) -> None:
    rotation = forward(forward(created))
    assert rotation.state == R.PROVING
    assert Health.objects.get(pk=rotation.new_id).asked_by == rotation.requester
    assert is_untouched(rotation)


def test_a_scheduled_look_at_the_record_proves_nothing(created: Rotation) -> None:
    Health.objects.create(
        instance=created.new, organization=created.organization, due_at=timezone.now()
    )
    look(created.organization)
    assert created.new.health_checks.get().method == "record"
    assert forward(created).state == R.PROVING


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


def test_it_is_undone_while_the_new_one_is_created(rotate: Rotate, operator: User) -> None:
    rotation = rotate()
    undo(rotation, operator)
    work()
    rotation = forward(rotation)
    assert (rotation.state, is_untouched(rotation)) == (R.ENDED, True)


def test_it_is_undone_while_both_work(both: Rotation, operator: User) -> None:
    undo(both, operator)
    rotation = come_to_an_end(both)
    assert (rotation.state, is_untouched(rotation)) == (R.ENDED, True)
    assert read(rotation.new).is_active


def test_it_is_undone_while_the_old_one_is_counted_down(leaving: Rotation, operator: User) -> None:
    undo(leaving, operator)
    work()
    old = read(leaving.old)
    assert (forward(leaving).state, old.status, old.is_disabled) == (R.ENDED, "active", False)


def test_the_undo_of_the_deletion_ends_it_too(leaving: Rotation, operator: User) -> None:
    undo_instance_deletion(actor=operator, instance=leaving.old)
    rotation = forward(leaving)
    assert rotation.state == R.ENDED
    assert "undone" in rotation.message


def test_it_is_not_undone_while_the_old_one_is_being_disabled(
    both: Rotation, operator: User
) -> None:
    rotation = come_to_an_end(both)
    with pytest.raises(RotationDecidedError):
        undo(rotation, operator)
    assert forward(rotation).state == R.LEAVING


def test_it_is_not_undone_once_the_deletion_has_begun(leaving: Rotation, operator: User) -> None:
    Operation.objects.filter(kind="delete").update(state=OperationState.CLAIMED)
    with pytest.raises(TooLateError):
        undo(leaving, operator)
    assert forward(leaving).state == R.LEAVING


def test_a_refused_deletion_halts_it_and_can_be_asked_for_again(
    leaving: Rotation, operator: User
) -> None:
    deletion = the_operation(leaving.old)
    Operation.objects.filter(pk=deletion.pk).update(
        state=OperationState.REJECTED, finished_at=timezone.now(), message="It is in use."
    )
    rotation = forward(leaving)
    assert (rotation.problem, "in use" in rotation.message) == ("kept", True)
    decide_rotation(actor=operator, rotation=rotation, choice=RotationChoice.GO_ON)
    rotation = prove(rotation)
    assert (rotation.state, the_operation(leaving.old).pk > deletion.pk) == (R.LEAVING, True)


def test_both_are_kept_longer(both: Rotation, operator: User) -> None:
    until = both.both_until
    assert until
    decide_rotation(actor=operator, rotation=both, choice=RotationChoice.LONGER, days=3.0)
    assert forward(both).both_until == until + timedelta(days=3)


def test_only_who_manages_both_decides(both: Rotation, member: Callable[..., User]) -> None:
    viewer = member(Role.VIEWER)
    for choice in rotation_choices(both):
        with pytest.raises(Exception, match="manage"):
            decide_rotation(actor=viewer, rotation=both, choice=choice)
    assert forward(both).state == R.BOTH


def test_after_a_restore_a_person_lets_it_go_on(both: Rotation, operator: User) -> None:
    accept_restore()
    rotation = come_to_an_end(both)
    assert (rotation.state, rotation.problem) == (R.BOTH, "restored")
    assert is_untouched(rotation)
    decide_rotation(actor=operator, rotation=rotation, choice=RotationChoice.GO_ON)
    assert prove(rotation).state == R.LEAVING


def test_both_timelines_tell_it(leaving: Rotation) -> None:
    for one in (leaving.old, leaving.new):
        told = AuditEntry.objects.filter(object_id=str(one.pk), action__startswith="rotation.")
        actions = list(told.order_by("pk").values_list("action", flat=True))
        assert actions == ["rotation.requested", "rotation.proven", "rotation.leaving"]


def test_what_is_due_is_taken_up_by_a_sweep(created: Rotation) -> None:
    later = timezone.now() + timedelta(hours=1)
    Rotation.objects.filter(pk=created.pk).update(look_at=later)
    rotating.run()
    assert not Health.objects.filter(pk=created.new_id).exists()
    Rotation.objects.filter(pk=created.pk).update(look_at=database_now())
    rotating.run()
    assert Health.objects.filter(pk=created.new_id).exists()


def undo(rotation: Rotation, actor: User) -> Any:
    return decide_rotation(actor=actor, rotation=rotation, choice=RotationChoice.UNDO)
