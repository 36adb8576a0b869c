"""A lost request that is carried out late: the change after it has the last word."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from instances.engine import drain
from instances.engine.claims import lease
from instances.models import Attempt, Instance, Operation, OperationState
from instances.operations import Edition, request_instance_edit, request_instance_switch
from sandbox.running import Account
from tests.cases import read, the_operation, work
from tests.workers import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

SETTLE = 600.0


@pytest.fixture(autouse=True)
def ten_minutes(made: Instance, settings: Settings) -> None:
    """Let the platform take that long, once the instance is made."""
    settings.ENGINE = {**settings.ENGINE, "SETTLE_SECONDS": SETTLE}


def switch(made: Instance, actor: User, *, is_to_be_disabled: bool) -> None:
    request_instance_switch(
        requester=actor, instance=read(made), is_to_be_disabled=is_to_be_disabled, reason="Why not."
    )
    work()


def rename(made: Instance, actor: User, name: str) -> None:
    seen = Edition.of(read(made))
    wanted = replace(seen, name=name)
    request_instance_edit(requester=actor, instance=read(made), seen=seen, wanted=wanted)
    work()


def lose(account: Account, method: str) -> None:
    """Let the next request of this kind go without an answer, and be carried out at `release`."""
    fault: dict[str, Any] = {"seconds": None, "then": "close"}
    account.fault("late commit", method=method, path="/instances", **fault)


def arrive(account: Account) -> None:
    """Have what waits on the platform carried out."""
    account.release()
    wait_for(lambda: all(entry.commits for entry in account.ledger() if entry.faults))


def let_pass(seconds: float) -> None:
    """Let the attempts have ended that long ago, and take up what is due then."""
    for attempt in Attempt.objects.all():
        Attempt.objects.filter(pk=attempt.pk).update(ended_at=Now() - timedelta(seconds=seconds))
    work()


def is_due() -> bool:
    """Tell whether anything would be taken up now."""
    claimed = Operation.objects.claim(worker="test", limit=1, lease=lease())
    for operation in claimed:
        drain.work_on(operation)
    return bool(claimed)


def test_what_is_disabled_late_does_not_undo_the_enabling(
    made: Instance, account: Account, operator: User
) -> None:
    lose(account, "DELETE")
    switch(made, operator, is_to_be_disabled=True)
    work()
    assert the_operation(made).state == OperationState.SUCCEEDED
    switch(made, operator, is_to_be_disabled=False)
    waiting = the_operation(made)
    assert (waiting.state, waiting.problem) == (OperationState.QUEUED, "earlier")
    assert "has the last word" in waiting.message
    assert not is_due()
    arrive(account)
    let_pass(SETTLE)
    assert the_operation(made).state == OperationState.SUCCEEDED
    assert account.only_instance()["disabled"] is False


def test_a_name_that_comes_late_does_not_replace_the_newer_one(
    made: Instance, account: Account, operator: User
) -> None:
    lose(account, "PATCH")
    rename(made, operator, "Hers")
    work()
    rename(made, operator, "His")
    assert the_operation(made).problem == "earlier"
    arrive(account)
    let_pass(SETTLE - 30)
    assert the_operation(made).problem == "earlier"
    let_pass(SETTLE)
    assert account.only_instance()["name"] == "His"
    assert read(made).name == "His"


def test_what_a_lost_request_cannot_undo_is_sent_at_once(
    made: Instance, account: Account, operator: User
) -> None:
    lose(account, "PATCH")
    rename(made, operator, "Hers")
    work()
    switch(made, operator, is_to_be_disabled=True)
    assert the_operation(made).state == OperationState.SUCCEEDED
    assert account.only_instance()["disabled"] is True


def test_after_an_answer_the_next_change_is_sent_at_once(
    made: Instance, account: Account, operator: User
) -> None:
    rename(made, operator, "Hers")
    rename(made, operator, "His")
    assert account.only_instance()["name"] == "His"
