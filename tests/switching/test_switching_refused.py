"""Who may disable and enable, who takes it back, and what a person decides."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances import access
from instances.engine.claims import MAX_CLAIMS
from instances.models import (
    Attempt,
    AuditEntry,
    CancelWish,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    Organization,
    Role,
)
from instances.operations import (
    Choice,
    NotChangeableError,
    ReasonNeededError,
    SwitchedOffError,
    choices_for,
    decide,
    request_cancel,
)
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.switching.steps import Ask, S, Switch, fail, sent, stands

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_who_manages_it_may_ask(made: Instance, switch: Switch, member: Ask) -> None:
    with pytest.raises(access.NotAllowedError):
        switch(requester=member(Role.OPERATOR, "otto"))


def test_a_right_that_was_lost_stops_it(
    made: Instance, switch: Switch, account: Account, operator: User
) -> None:
    switch()
    Membership.objects.filter(user=operator).delete()
    work()
    assert stands(made) == (S.REJECTED, InstanceStatus.ACTIVE, False)
    assert the_operation(made).problem == "permission"
    assert sent(account) == []


def test_a_right_that_was_lost_does_not_hide_what_was_sent(
    made: Instance, switch: Switch, account: Account, operator: User
) -> None:
    fail(account, "commit then drop")
    switch()
    work()
    Membership.objects.filter(user=operator).delete()
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)


def test_one_change_at_a_time(switch: Switch) -> None:
    switch()
    with pytest.raises(NotChangeableError):
        switch(to_disabled=False)
    assert Operation.objects.filter(kind="enable").count() == 0


def test_a_reason_is_needed(made: Instance, switch: Switch) -> None:
    with pytest.raises(ReasonNeededError):
        switch(reason="  ")
    assert read(made).status == InstanceStatus.ACTIVE


def test_nothing_is_asked_of_an_organization_that_is_switched_off(
    made: Instance, switch: Switch
) -> None:
    Organization.objects.update(is_active=False)
    with pytest.raises(SwitchedOffError):
        switch(instance=read(made))


def test_a_queued_change_is_canceled_at_once(
    made: Instance, switch: Switch, account: Account, operator: User
) -> None:
    switch()
    assert request_cancel(actor=operator, instance=made, wish=CancelWish.DELETE)
    assert stands(made) == (S.CANCELED, InstanceStatus.ACTIVE, False)
    work()
    assert sent(account) == []
    assert the_operation(made).cancel_wish == CancelWish.KEEP


def test_a_change_that_failed_to_leave_is_canceled_by_its_worker(
    made: Instance, switch: Switch, account: Account, operator: User
) -> None:
    operation = switch()
    Operation.objects.filter(pk=operation.pk).update(lease_until=Now() + timedelta(minutes=1))
    assert not request_cancel(actor=operator, instance=made, wish=CancelWish.KEEP)
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    work()
    assert stands(made) == (S.CANCELED, InstanceStatus.ACTIVE, False)
    assert sent(account) == []


@pytest.mark.parametrize(
    ("kind", "state"), [("commit then drop", S.SUCCEEDED), ("drop before commit", S.CANCELED)]
)
def test_a_lost_answer_is_known_before_anything_is_called_canceled(
    made: Instance, switch: Switch, account: Account, operator: User, kind: str, state: S
) -> None:
    fail(account, kind)
    switch()
    work()
    assert not request_cancel(actor=operator, instance=made, wish=CancelWish.KEEP)
    assert the_operation(made).state == S.UNKNOWN
    work()
    assert stands(made) == (state, InstanceStatus.ACTIVE, state == S.SUCCEEDED)
    assert account.only_instance()["disabled"] is (state == S.SUCCEEDED)


def test_after_a_day_a_person_decides(
    made: Instance, switch: Switch, account: Account, operator: User
) -> None:
    account.fault("status", method="GET", path="/organizations", status=503, times=None)
    operation = switch()
    Operation.objects.filter(pk=operation.pk).update(created_at=Now() - timedelta(days=2))
    work()
    operation = the_operation(made)
    assert (operation.state, operation.problem) == (S.NEEDS_PERSON, "unreachable")
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)
    decide(actor=operator, operation=operation, choice=Choice.MARK, reason="Not needed.")
    assert stands(made) == (S.REJECTED, InstanceStatus.ACTIVE, False)


def test_a_person_lets_it_be_tried_again(made: Instance, switch: Switch, operator: User) -> None:
    operation = switch()
    Operation.objects.filter(pk=operation.pk).update(claims=MAX_CLAIMS)
    work()
    assert stands(made)[:2] == (S.NEEDS_PERSON, InstanceStatus.NEEDS_PERSON)
    assert the_operation(made).problem == "poison"
    again = the_operation(made)
    decide(actor=operator, operation=again, choice=Choice.LOOK, reason="The worker is mended.")
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)


def test_an_open_breaker_holds_it_back(made: Instance, switch: Switch, account: Account) -> None:
    switch()
    Organization.objects.update(breaker="open", paused_until=Now() + timedelta(minutes=5))
    work()
    assert stands(made) == (S.QUEUED, InstanceStatus.CHANGING, False)
    assert Attempt.objects.filter(operation__kind="disable").count() == 0


def test_who_asked_and_what_came_of_it_is_recorded(
    made: Instance, switch: Switch, operator: User
) -> None:
    switch()
    work()
    asked = AuditEntry.objects.get(action="disable.requested")
    assert (asked.actor, asked.detail["reason"]) == (operator, "Maintenance until Friday.")
    assert AuditEntry.objects.filter(action="instance.disabled").count() == 1
    attempt = Attempt.objects.get(operation__kind="disable")
    assert attempt.request_line == f"DELETE /instances/{made.remote_id}/enabled"
    assert attempt.outcome_label == "Done"
