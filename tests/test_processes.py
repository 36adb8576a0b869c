"""Real workers, killed at the worst moment: one remote instance each, and nothing left to do."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from django.db.models import Q

from instances import vault
from instances.models import (
    Attempt,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
)
from instances.models import Worker as Present
from instances.vault import Purpose
from sandbox.running import Account
from tests import servers
from tests.workers import Worker, empty_broker, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]
KILLS = 8
# A call is not given up, however busy the machine is.
PATIENT = {"ELEMENTDESK_CALL_SECONDS": "12", "ELEMENTDESK_LEASE_SECONDS": "15"}
# Few calls at once, with time for what waits for a place.
SLOW = {
    **PATIENT,
    "ELEMENTDESK_WORKER_PROCESSES": "2",
    "ELEMENTDESK_CALLS_IN_FLIGHT": "4",
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start worker processes, and end those that are left when the test ends."""
    workers: list[Worker] = []
    empty_broker()

    def begin(**changes: str) -> Worker:
        workers.append(Worker(tmp_path, **changes))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.stop()


def is_settled() -> bool:
    return not Instance.objects.exclude(status=InstanceStatus.ACTIVE).exists()


def test_doorbell_leads_to_an_active_instance(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    start()
    instance = ask()
    wait_for(is_settled)
    instance.refresh_from_db()
    assert instance.remote_id == account.only_instance()["id"]


def test_sweep_finds_what_no_doorbell_announced(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    ask()
    empty_broker()
    start()
    wait_for(is_settled)
    assert len(account.instances()) == 1


def test_worker_killed_between_sending_and_storing_leaves_one_instance(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    quick = {"ELEMENTDESK_CALL_SECONDS": "1.5", "ELEMENTDESK_LEASE_SECONDS": "2"}
    for number in range(KILLS):
        worker = start(**quick)
        wait_for(is_settled, seconds=60)
        account.fault("latency", seconds=600, when="after")
        ask(name=f"Instance {number}")
        wait_for(partial(has_instances, account, number + 1))
        worker.kill()
    start(**quick)
    wait_for(is_settled, seconds=60)
    check_each_is_one(account, KILLS)


def posts(account: Account) -> list[float]:
    """When each request to create arrived at the platform."""
    return [entry.time for entry in account.ledger() if entry.method == "POST"]


def has_instances(account: Account, number: int) -> bool:
    return len(account.instances()) == number


def check_each_is_one(account: Account, number: int) -> None:
    """Compare our rows with the platform's own: as many, the same ids, the same tokens."""
    remote = {instance["id"]: instance["token"] for instance in account.instances()}
    ours = Instance.objects.all()
    assert len(remote) == number
    assert {row.remote_id for row in ours} == set(remote)
    for row in ours:
        token = vault.open_sealed(row, "token", purpose=Purpose.CHECK)
        assert token.reveal() == remote[row.remote_id]
    assert len(posts(account)) == number
    assert not OperationSecret.objects.exists()
    assert not Attempt.objects.filter(Q(outcome="unknown") | Q(outcome="in_flight")).exists()


def test_many_calls_are_in_flight_at_once(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", times=None, seconds=1)
    for number in range(20):
        ask(name=f"Instance {number}")
    start()
    wait_for(is_settled)
    assert max(posts(account)) - min(posts(account)) < 5


def test_work_goes_on_while_the_broker_is_away(
    start: Callable[..., Worker], ask: Ask, account: Account, tmp_path: Path
) -> None:
    with servers.broker(tmp_path) as address:
        start(CELERY_BROKER_URL=address)
        ask()
        wait_for(is_settled)
    ask(name="Without a broker")
    wait_for(is_settled)
    assert len(account.instances()) == 2


def test_a_worker_begins_and_ends_without_a_broker(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    worker = start(CELERY_BROKER_URL="redis://127.0.0.1:1/0", **PATIENT)
    ask()
    wait_for(is_settled)
    account.fault("latency", seconds=1)
    ask(name="At the end")
    wait_for(lambda: len(posts(account)) == 2)
    assert worker.stop() == 0
    assert is_settled()


def test_a_stopped_worker_gives_back_what_it_has_not_begun(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", times=None, seconds=1.5)
    for number in range(6):
        ask(name=f"Instance {number}")
    worker = start(**SLOW)
    wait_for(lambda: len(posts(account)) == 4)
    assert worker.stop() == 0
    assert Operation.objects.filter(state="succeeded").count() == 4
    assert len(posts(account)) == 4
    given_back = Operation.objects.filter(state="queued", lease_until=None, claims=0)
    assert given_back.count() == 2


@pytest.mark.production
def test_ten_rolling_restarts_under_load_leave_nothing_unknown(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", times=None, seconds=0.3)
    workers = [start(), start()]
    for number in range(10):
        for name in range(6):
            ask(name=f"Instance {number} {name}")
        wait_for(lambda: Attempt.objects.filter(outcome="in_flight").exists())
        wait_for(partial(are_ready, workers[0], number + 2))
        assert workers.pop(0).stop() == 0
        workers.append(start())
    wait_for(is_settled, seconds=60)
    check_each_is_one(account, 60)
    assert not Attempt.objects.exclude(outcome__in=["succeeded", "not_sent"]).exists()
    assert not Operation.objects.filter(looks__gt=0).exists()


def test_both_processes_of_a_worker_work_within_its_calls(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", times=None, seconds=0.7)
    for number in range(12):
        ask(name=f"Instance {number}")
    start(**SLOW)
    wait_for(is_settled)
    times = posts(account)
    assert all(fifth - first > 0.6 for first, fifth in zip(times, times[4:], strict=False))
    assert len(set(Attempt.objects.values_list("worker", flat=True))) == 2
    check_each_is_one(account, 12)


def test_what_is_left_of_a_killed_worker_finishes_its_calls_and_ends(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", times=None, seconds=5)
    for number in range(8):
        ask(name=f"Instance {number}")
    worker = start(**SLOW)
    wait_for(lambda: len(posts(account)) == 4)
    (other,) = psutil.Process(worker.pid).children()
    os.kill(worker.pid, signal.SIGKILL)
    other.wait(timeout=30)
    its_own = Attempt.objects.filter(worker__endswith=f":{other.pid}")
    assert set(its_own.values_list("outcome", flat=True)) - {"not_sent"} == {"succeeded"}
    assert Attempt.objects.filter(outcome="in_flight").exists()


def test_a_worker_that_lost_a_process_stops_as_a_whole(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", times=None, seconds=2)
    for number in range(8):
        ask(name=f"Instance {number}")
    worker = start(**SLOW)
    wait_for(lambda: len(posts(account)) == 4)
    (other,) = psutil.Process(worker.pid).children()
    other.kill()
    assert worker.wait() == 0
    its_own = Attempt.objects.filter(worker__endswith=f":{worker.pid}")
    assert set(its_own.values_list("outcome", flat=True)) - {"not_sent"} == {"succeeded"}
    assert "process of the worker ended" in worker.log.read_text()


def are_ready(worker: Worker, number: int) -> bool:
    return worker.log.read_text().count(" ready.") == number


def test_a_stopped_worker_finishes_its_call_first(
    start: Callable[..., Worker], ask: Ask, account: Account
) -> None:
    account.fault("latency", seconds=1)
    worker = start(**PATIENT)
    ask()
    wait_for(lambda: posts(account))
    assert worker.stop() == 0
    assert is_settled()


def test_a_worker_tells_that_it_is_there_until_it_ends(start: Callable[..., Worker]) -> None:
    worker = start()
    wait_for(lambda: Present.objects.alive().count() == 1)
    assert worker.stop() == 0
    assert not Present.objects.exists()
