"""An instance that exists is disabled and enabled: once asked, made so, and told as it is."""

import pytest
from django.contrib.auth.models import User

from instances.models import (
    AttemptOutcome,
    AuditEntry,
    Instance,
    InstanceStatus,
    Operation,
    Organization,
)
from instances.operations import (
    disabling_of,
    reveal_token,
)
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.switching.steps import S, Switch, fail, sent, stands

pytestmark = pytest.mark.django_db(transaction=True)


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
