"""An instance that exists is disabled and enabled: once asked, made so, and told as it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances import access
from instances.engine.claims import MAX_CLAIMS
from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    CancelWish,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationState,
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
    disabling_of,
    request_cancel,
    request_instance_switch,
    reveal_token,
)
from sandbox.running import Account
from tests.cases import the_operation, work

pytestmark = pytest.mark.django_db(transaction=True)

S = OperationState
Ask = Callable[..., Instance]
Switch = Callable[..., Operation]


@pytest.fixture
def made(ask: Ask) -> Instance:
    """An instance that a worker made on the platform."""
    instance = ask()
    work()
    return read(instance)


@pytest.fixture
def switch(made: Instance, operator: User) -> Switch:
    """Ask to disable `made`, or to enable it."""

    def switch(to_disabled: bool = True, **changes: object) -> Operation:
        asked: dict[str, Any] = {
            "requester": operator,
            "instance": made,
            "reason": "Maintenance until Friday.",
        }
        return request_instance_switch(is_to_be_disabled=to_disabled, **{**asked, **changes})

    return switch


def read(instance: Instance) -> Instance:
    return Instance.objects.select_related("organization").get(pk=instance.pk)


def stands(instance: Instance) -> tuple[str, str, bool | None]:
    """Return how its newest operation and its row stand."""
    instance = read(instance)
    return (the_operation(instance).state, instance.status, instance.is_disabled)


def sent(account: Account) -> list[str]:
    """Return the requests that change whether an instance is disabled, in order."""
    return [entry.method for entry in account.ledger() if entry.path.endswith("/enabled")]


def fail(account: Account, kind: str, **options: Any) -> None:
    """Let the next request to disable something end so."""
    account.fault(kind, method="DELETE", path="/instances", **options)


def test_it_is_disabled_with_its_reason_and_enabled_again(
    made: Instance, switch: Switch, account: Account
) -> None:
    switch()
    assert stands(made) == (S.QUEUED, InstanceStatus.CHANGING, False)
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)
    assert account.only_instance()["disabled"] is True
    disabling = disabling_of(read(made))
    assert disabling
    assert disabling.payload["reason"] == "Maintenance until Friday."
    switch(to_disabled=False, instance=read(made), reason="Done.")
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, False)
    assert disabling_of(read(made)) is None
    assert sent(account) == ["DELETE", "PUT"]


@pytest.mark.parametrize(("kind", "requests"), [("commit then drop", 1), ("drop before commit", 2)])
def test_a_lost_answer_is_looked_up_before_anything_is_repeated(
    made: Instance, switch: Switch, account: Account, kind: str, requests: int
) -> None:
    fail(account, kind)
    switch()
    work()
    assert stands(made) == (S.UNKNOWN, InstanceStatus.CHANGING, False)
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)
    assert len(sent(account)) == requests
    outcomes = [one.outcome for one in the_operation(made).attempts.order_by("number")]
    lost = [AttemptOutcome.PROVEN_ABSENT] * (requests - 1)
    assert outcomes == [*lost, AttemptOutcome.SUCCEEDED]


@pytest.mark.parametrize("is_carried_out", [True, False])
def test_what_a_dead_worker_had_recorded_is_looked_up(
    made: Instance, switch: Switch, account: Account, is_carried_out: bool
) -> None:
    fail(account, "commit then drop" if is_carried_out else "drop before commit")
    operation = switch()
    work()
    operation.attempts.update(outcome=AttemptOutcome.IN_FLIGHT, ended_at=None)
    Operation.objects.filter(pk=operation.pk).update(state=S.SENDING)
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)
    assert len(sent(account)) == (1 if is_carried_out else 2)
    assert operation.attempts.filter(error_class="worker-lost").count() == 1


def test_what_is_so_already_needs_no_request(
    made: Instance, switch: Switch, account: Account
) -> None:
    account.change_instance(account.only_instance()["id"], disabled=True)
    switch()
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)
    assert sent(account) == []


def test_a_refusal_is_told_and_leaves_the_instance_as_it_was(
    made: Instance, switch: Switch, account: Account
) -> None:
    fail(account, "status", status=400, message="Not while it is used.")
    switch()
    work()
    assert stands(made) == (S.REJECTED, InstanceStatus.ACTIVE, False)
    assert "Not while it is used." in the_operation(made).message


def test_a_missing_right_is_not_taken_for_refused_secrets(
    made: Instance, switch: Switch, account: Account, organization: Organization
) -> None:
    account.set(withheld_privileges=["editAccountElementInstances"])
    switch()
    work()
    organization.refresh_from_db()
    assert stands(made) == (S.REJECTED, InstanceStatus.ACTIVE, False)
    assert (the_operation(made).problem, organization.is_refused) == ("right", False)


def test_refused_secrets_make_it_wait_for_others(
    made: Instance, switch: Switch, account: Account, organization: Organization
) -> None:
    account.fault("refuse secrets", times=None)
    switch()
    work()
    organization.refresh_from_db()
    assert organization.is_refused
    assert stands(made) == (S.BLOCKED, InstanceStatus.BLOCKED, False)
    assert read(made).is_in_use


def test_a_platform_that_answers_and_does_nothing_is_told(
    made: Instance, switch: Switch, account: Account
) -> None:
    fail(account, "status", status=200)
    switch()
    work()
    assert the_operation(made).state == S.CREATED
    work(3)
    assert stands(made) == (S.REJECTED, InstanceStatus.ACTIVE, False)
    assert the_operation(made).problem == "ignored"
    assert len(sent(account)) == 1


def test_an_answer_is_not_asked_for_twice_when_reading_back_fails(
    made: Instance, switch: Switch, account: Account
) -> None:
    switch()
    account.fault("status", method="GET", path=f"/instances/{made.remote_id}", skip=1, status=502)
    work()
    assert stands(made) == (S.CREATED, InstanceStatus.CHANGING, False)
    work()
    assert stands(made) == (S.SUCCEEDED, InstanceStatus.ACTIVE, True)
    assert len(sent(account)) == 1


def test_an_instance_that_is_gone_is_told(made: Instance, switch: Switch, account: Account) -> None:
    assert made.remote_id is not None
    account.remove_instance(made.remote_id)
    switch()
    work()
    assert stands(made) == (S.REJECTED, InstanceStatus.ACTIVE, False)
    assert the_operation(made).problem == "gone"


def test_in_another_account_nothing_is_sent(
    made: Instance, switch: Switch, account: Account
) -> None:
    Instance.objects.update(account="another")
    switch()
    work()
    assert stands(made)[:2] == (S.NEEDS_PERSON, InstanceStatus.NEEDS_PERSON)
    assert sent(account) == []


def test_another_token_is_stored_and_said(
    made: Instance, switch: Switch, account: Account, operator: User
) -> None:
    account.change_instance(account.only_instance()["id"], token="another-token")
    switch()
    work()
    assert reveal_token(actor=operator, instance=read(made)).reveal() == "another-token"
    assert AuditEntry.objects.filter(action="instance.token_changed").count() == 1


def test_the_token_opens_while_it_is_changed(
    made: Instance, switch: Switch, operator: User
) -> None:
    switch()
    assert reveal_token(actor=operator, instance=read(made))


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
