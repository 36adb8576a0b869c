"""A rotation is undone, kept longer, and taken up again by a person."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from instances.engine import rotating
from instances.models import (
    AuditEntry,
    Health,
    Operation,
    OperationState,
    Role,
    Rotation,
)
from instances.operations import (
    RotationChoice,
    RotationDecidedError,
    TooLateError,
    decide_rotation,
    rotation_choices,
    undo_instance_deletion,
)
from instances.operations.restore import accept_restore
from tests.cases import read, the_operation, work
from tests.rotation.steps import R, Rotate, come_to_an_end, forward, is_untouched, prove, undo

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_the_record_says_in_whose_name_the_old_one_is_disabled(
    leaving: Rotation, operator: User
) -> None:
    entries = AuditEntry.objects.filter(action="disable.requested", object_id=leaving.old_id)
    assert [entry.actor for entry in entries] == [operator]


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
    tested = Health.objects.filter(pk=created.new_id, asked_at__isnull=False)
    assert not tested.exists()
    Rotation.objects.filter(pk=created.pk).update(look_at=Now())
    rotating.run()
    assert tested.exists()
