"""An instance is rotated make-before-break, from its twin to its own deletion."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from instances.models import (
    Health,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Role,
    Rotation,
    Share,
    ShareLevel,
    database_now,
)
from instances.operations import (
    NotChangeableError,
    RequestReusedError,
    request_instance_deletion,
)
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.rotation.steps import (
    R,
    Rotate,
    changes_of,
    come_to_an_end,
    forward,
    is_untouched,
    look,
    prove,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
    Health.objects.filter(instance=created.new).update(due_at=Now())
    look(created.organization)
    assert created.new.health_checks.get().method == "record"
    assert forward(created).state == R.PROVING
