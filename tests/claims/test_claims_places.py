"""Calls have places, records have company, and what has not begun is given back."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from instances.engine import accounts, calls, drain, storing, writer
from instances.engine.claims import Claim, LeaseLostError, lease
from instances.engine.writer import Together
from instances.models import (
    Attempt,
    AttemptOutcome,
    Evidence,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
)
from sandbox.running import Account
from tests.claims.steps import Ask, claim, hold

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_call_begins_inside_a_transaction(ask: Ask, organization: Organization) -> None:
    client = accounts.client_for(organization)
    with pytest.raises(RuntimeError, match="transaction"), transaction.atomic():
        client.identify()


def test_no_connection_is_held_during_a_call(organization: Organization) -> None:
    client = accounts.client_for(organization)
    with calls.one(False):
        assert connection.connection is None
    client.identify()
    assert connection.connection is None


def test_a_recorded_request_without_a_place_is_not_sent(
    ask: Ask, organization: Organization, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PLACE_SECONDS", 0.2)
    calls._is_quick.set()
    Organization.objects.update(account="known")
    ask()
    (operation,) = claim()
    with ExitStack() as taken:
        for _ in range(calls.most()):
            taken.enter_context(calls._places())
        drain.work_on(operation)
        assert Attempt.objects.get().outcome == AttemptOutcome.NOT_SENT
        assert Operation.objects.get().state == OperationState.QUEUED
        # These times are not quick: nothing is held here without a place, nor recorded before it.
        assert drain.held() == calls.most()
        (operation,) = claim()
        drain.work_on(operation)
        assert Attempt.objects.count() == 1
        assert Operation.objects.filter(state=OperationState.QUEUED, lease_until=None).exists()
    (operation,) = claim()
    drain.work_on(operation)
    assert account.only_instance()
    assert drain.held() == 3 * calls.most()


@pytest.mark.parametrize("account_is_known", [True, False])
def test_what_waited_for_a_place_asks_again_whether_calls_go_out(
    ask: Ask, organization: Organization, account: Account, account_is_known: bool
) -> None:
    calls._is_quick.set()
    Organization.objects.update(account="known" if account_is_known else "")
    ask()
    (operation,) = claim()
    waiting = threading.Thread(target=drain.work_on, args=[operation])
    with ExitStack() as taken:
        for _ in range(calls.most()):
            taken.enter_context(calls._places())
        waiting.start()
        waiting.join(0.7)
        Organization.objects.update(paused_until=timezone.now() + timedelta(hours=1))
    waiting.join(10)
    assert account.ledger() == []
    assert Operation.objects.get().state == OperationState.QUEUED
    assert not Attempt.objects.exclude(outcome=AttemptOutcome.NOT_SENT).exists()


def test_shares_of_a_worker_make_up_its_calls(settings: Settings) -> None:
    for number in (1, 2, 3, 4):
        shares = []
        for position in range(number):
            calls.take_share(position, number)
            shares.append(calls.most())
        calls.take_share(0, 1)
        assert sum(shares) == settings.ENGINE["CALLS_IN_FLIGHT"]
        assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("name", ["PROCESSES", "CALLS_IN_FLIGHT"])
def test_a_worker_that_could_do_nothing_is_an_error(settings: Settings, name: str) -> None:
    assert "elementdesk.E006" not in {each.id for each in run_checks()}
    settings.ENGINE = {**settings.ENGINE, name: 0}
    assert "elementdesk.E006" in {each.id for each in run_checks()}


def test_records_wait_for_company_in_busy_times_only() -> None:
    batches: list[int] = []

    def save_all(names: Sequence[str]) -> list[str]:
        batches.append(len(names))
        return list(names)

    together: Together[str, str] = Together(save_all, writer.ANSWERS, patience=2.0)
    with ThreadPoolExecutor(4) as threads:
        together.save("alone")
        writer.be_patient(True)
        saves = [threads.submit(together.save, "first")]
        time.sleep(0.1)
        saves += [threads.submit(together.save, name) for name in ("second", "third")]
    writer.be_patient(False)
    assert [save.result() for save in saves] == ["first", "second", "third"]
    assert batches == [1, 3]


def test_evidence_is_kept_whoever_holds_the_lease(ask: Ask, account: Account) -> None:
    ask()
    (operation,) = claim()
    held = hold(operation)
    attempt = held.open_attempt("")
    remote = held.client.get_instance(account.add_instance(name="Billing")["id"])
    Operation.objects.update(lease_epoch=2)
    storing.record_answer(held, attempt, remote)
    assert Evidence.objects.count() == 1
    assert Operation.objects.get().state == OperationState.SENDING
    with pytest.raises(LeaseLostError):
        storing.finish(held, remote)
    assert Instance.objects.get().status == InstanceStatus.CREATING


def test_what_has_not_begun_is_given_back(ask: Ask, account: Account, stopping: None) -> None:
    ask()
    (operation,) = claim()
    drain.work_on(operation)
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    assert (operation.claims, operation.lease_until) == (0, None)
    assert Instance.objects.get().status == InstanceStatus.QUEUED
    assert not account.ledger()
    assert [again.pk for again in claim()] == [operation.pk]


def test_giving_back_after_something_was_recorded_counts_nothing(ask: Ask) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    Operation.objects.update(claims=0)
    Claim(operation, operation.lease_epoch).give_back()
    operation.refresh_from_db()
    assert (operation.claims, operation.lease_until) == (0, None)
