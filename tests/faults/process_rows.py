"""Faults of our own processes, of the broker and of the database, under load."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
from django.conf import settings

from instances.models import Attempt, AttemptOutcome, Operation, OperationState
from tests.faults.ground import Ground, Row
from tests.faults.processes import Process, children_of

S = OperationState
# So long does the platform take, so that something is always under way.
LATENCY = 0.7
DATABASE_AWAY = [
    *("OperationalError", "InterfaceError", "AdminShutdown", "ConnectionTimeout"),
    # What Django makes of a session that could not be saved.
    "SessionInterrupted",
]
BROKER_AWAY = ["OperationalError", "ConnectionError", "TimeoutError", "SchedulingError"]


def kill_workers(ground: Ground) -> None:
    """F01: `kill -9` of a worker's whole group at random times, under load."""

    def kill() -> None:
        process = ground.chance.choice(ground.stack.workers)
        process.kill()
        ground.injected += 1

    disturb(ground, kill, every=(1.0, 4.0), times=max(6, ground.operations // 15))


def kill_web(ground: Ground) -> None:
    """F03: `kill -9` of the web's processes while forms are sent; the same id is sent again."""

    def kill() -> None:
        for pid in list(children_of(ground.stack.web.pid))[:1]:
            _send(pid, signal.SIGKILL)
            ground.injected += 1

    disturb(ground, kill, every=(0.3, 1.0), times=max(6, ground.operations // 10))
    _one_each(ground)


def _one_each(ground: Ground) -> None:
    for accepted in ground.case.accepted:
        same = Operation.objects.filter(client_request_id=accepted.request_id)
        ground.expect("one operation for each id", same.count() == 1)


def submit_together(ground: Ground) -> None:
    """F04: the same form twenty times at once."""
    wishes = [ground.wish(name=f"Together {n}") for n in range(max(2, ground.operations // 20))]
    for wish in wishes:
        answers = ground.driver.submit_many([wish] * 20)
        ground.case.accepted += answers[:1]
        ground.injected += len(answers) - 1
        ground.expect("all led to one instance", len({a.instance_id for a in answers}) == 1)
    ground.needed = 19 * len(wishes)
    ground.settle()
    _one_each(ground)
    ground.expect("one request each", ground.posts() == len(wishes))


def kill_broker(ground: Ground) -> None:
    """F05: `kill -9` of the broker, which comes back empty."""
    ground.expected_tracebacks += BROKER_AWAY

    def kill() -> None:
        ground.stack.kill_broker()
        ground.injected += 1

    disturb(ground, kill, every=(1.0, 3.0), times=max(3, ground.operations // 30))
    ground.expect("drained within 60 s of the last return", ground.extras["came to rest"])


def broker_away(ground: Ground) -> None:
    """F06: no broker at all; the rows are worked on all the same."""
    ground.expected_tracebacks += BROKER_AWAY
    ground.stack.broker.give_up()
    try:
        ground.submit(ground.operations)
        ground.injected = ground.operations
        ground.settle(120)
        ground.expect("done without a broker", ground.count(S.SUCCEEDED) == ground.operations)
    finally:
        ground.stack.broker.start()


def flush_broker(ground: Ground) -> None:
    """F07: everything in the broker is wiped again and again."""
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)

    def flush() -> None:
        broker.flushall()
        ground.injected += 1

    disturb(ground, flush, every=(0.2, 0.6), times=max(10, ground.operations // 5))


def repeat_messages(ground: Ground) -> None:
    """F08: every message five times, and all of them again later."""
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    kept: list[Any] = []
    for process in ground.stack.workers:
        process.signal(signal.SIGSTOP)
    try:
        ground.submit(ground.operations)
        kept = list(broker.lrange("celery", 0, -1))
        for _ in range(4):
            broker.lpush("celery", *kept)
    finally:
        for process in ground.stack.workers:
            process.signal(signal.SIGCONT)
    ground.settle()
    broker.lpush("celery", *kept)
    time.sleep(3)
    ground.injected, ground.needed = 5 * len(kept), ground.operations
    ground.expect("one request each", ground.posts() == ground.operations)


def kill_database(ground: Ground) -> None:
    """F11: `kill -9` of every process of PostgreSQL, under load."""
    ground.expected_tracebacks += DATABASE_AWAY

    def kill() -> None:
        ground.injected += ground.stack.kill_database() > 0
        ground.stack.restart_database()

    disturb(ground, kill, every=(2.0, 5.0), times=max(3, ground.operations // 60))


def restart_database(ground: Ground) -> None:
    """F12: PostgreSQL is restarted (`-m fast`) again and again."""
    ground.expected_tracebacks += DATABASE_AWAY

    def restart() -> None:
        ground.stack.restart_database()
        ground.injected += 1

    disturb(ground, restart, every=(2.0, 5.0), times=max(4, ground.operations // 40))


def stop_and_continue(ground: Ground) -> None:
    """F19: web, worker and broker stand still for a while, one and two at a time."""
    ground.expected_tracebacks += BROKER_AWAY
    stack = ground.stack
    candidates = [stack.web, *stack.workers, stack.broker]

    def freeze() -> None:
        chosen = ground.chance.sample(candidates, ground.chance.choice((1, 2)))
        _freeze(chosen, ground.chance.uniform(2.0, 9.0))
        ground.injected += 1

    disturb(ground, freeze, every=(0.5, 1.5), times=max(3, ground.operations // 60))


def _freeze(processes: list[Process], seconds: float) -> None:
    for process in processes:
        process.signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        process.signal(signal.SIGCONT)


def rolling_restart(ground: Ground) -> None:
    """F47: every process of ours is asked to end and started again, one after the other."""

    def restart() -> None:
        for process in (*ground.stack.workers, ground.stack.web):
            process.stop()
            process.start()
            ground.injected += 1

    disturb(ground, restart, every=(0.5, 1.0), times=max(2, ground.operations // 60))
    unknown = Attempt.objects.filter(
        operation__in=ground.rows(), outcome__in=(AttemptOutcome.UNKNOWN,)
    )
    looked = ground.rows().filter(looks__gt=0)
    ground.expect("no outcome became unknown", not unknown.exists() and not looked.exists())


def suspend_all(ground: Ground) -> None:
    """F40: the machine sleeps longer than the settle time, while the platform goes on."""
    stack = ground.stack
    sleepers = [stack.web, *stack.workers, stack.broker]

    def sleep() -> None:
        _freeze(sleepers, settings.ENGINE["SETTLE_SECONDS"] + 2)
        ground.injected += 1

    ground.expected_tracebacks += BROKER_AWAY
    disturb(ground, sleep, every=(0.5, 2.0), times=2)


def disturb(
    ground: Ground,
    deed: Callable[[], None],
    *,
    every: tuple[float, float],
    times: int,
    all_active: bool = True,
) -> None:
    """Submit in the background, with a platform that takes its time, while the deed is repeated."""
    ground.account.fault("latency", times=None, seconds=LATENCY)
    ground.needed = times
    load = ground.in_background(ground.operations, times * sum(every) / 2)
    for _ in range(times):
        time.sleep(ground.chance.uniform(*every))
        deed()
    load.join()
    ground.settle()
    if all_active:
        ground.expect("all active", ground.count(S.SUCCEEDED) == ground.operations)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


ROWS = [
    Row("F01", "worker killed at random times", kill_workers, is_alone=True),
    Row("F03", "web killed while forms are sent", kill_web, is_alone=True),
    Row("F04", "one form sent 20 times at once", submit_together),
    Row("F05", "broker killed, comes back empty", kill_broker, is_alone=True),
    Row("F06", "no broker at all", broker_away, is_ci=False, is_alone=True, share=0.3),
    Row("F07", "broker wiped again and again", flush_broker, is_alone=True),
    Row("F08", "every message five times, and again later", repeat_messages, is_alone=True),
    Row("F11", "database killed", kill_database, is_alone=True, only="postgresql"),
    Row(
        "F12",
        "database restarted",
        restart_database,
        is_ci=False,
        is_alone=True,
        only="postgresql",
    ),
    Row("F19", "processes stand still", stop_and_continue, is_ci=False, is_alone=True),
    Row("F40s", "all of ours sleep longer than the settle time", suspend_all, is_alone=True),
    Row("F47", "rolling restart under load", rolling_restart, is_alone=True),
]
