"""The way to the broker breaks: connections are reset, or dead without anybody saying so."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import redis
from django.conf import settings

from instances.models import OperationState
from instances.tasks import work
from tests.faults.ground import Ground, Row
from tests.faults.process_rows import BROKER_AWAY, disturb
from tests.faults.processes import Process, wait_until
from tests.faults.proxy import HOST, Proxy

LISTENING_SECONDS = 90.0


def broken_connections(ground: Ground) -> None:
    """F10: resets under load; then every connection is dead, and the workers listen again."""
    ground.expected_tracebacks += BROKER_AWAY
    with _through_a_proxy(ground) as proxy:

        def reset() -> None:
            ground.injected += proxy.reset() > 0

        disturb(ground, reset, every=(1.0, 2.0), times=max(4, ground.operations // 30))
        before = [_heard(process) for process in ground.stack.workers]
        ground.expect("each worker was connected", proxy.deaden() >= len(before))

        def all_listen() -> bool:
            work.delay(str(uuid4()))
            now = [_heard(process) for process in ground.stack.workers]
            return all(new > old for new, old in zip(now, before, strict=True))

        since = time.monotonic()
        listen = wait_until(all_listen, LISTENING_SECONDS, 0.5)
        ground.note = f"listening again after {time.monotonic() - since:.0f} s"
        ground.expect(f"listening again within {LISTENING_SECONDS:.0f} s", listen)


def full_broker(ground: Ground) -> None:
    """F09: the broker has no room and refuses; then it makes room by throwing messages away."""
    ground.expected_tracebacks += [*BROKER_AWAY, "OutOfMemoryError", "RestartFreqExceeded"]
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    half = max(2, ground.operations // 2)
    try:
        broker.config_set("maxmemory", 1)
        ground.submit(half)
        refused = broker.info("errorstats").get("errorstat_OOM", {}).get("count", 0)
        ground.settle()
        broker.config_set("maxmemory", 0)
        _let_it_throw_away(ground, broker, half)
    finally:
        broker.config_set("maxmemory", 0)
        broker.config_set("maxmemory-policy", "noeviction")
    thrown = broker.info("stats")["evicted_keys"]
    ground.settle()
    ground.injected = min(refused, 1) + min(thrown, 1)
    ground.needed, ground.note = 2, f"{refused} refused, {thrown} thrown away"
    ground.expect("all active", ground.count(OperationState.SUCCEEDED) == 2 * half)


def _let_it_throw_away(ground: Ground, broker: redis.Redis, number: int) -> None:
    """Let messages pile up while nobody fetches them, in a broker that has hardly room for one."""
    for process in ground.stack.workers:
        process.stop()
    broker.config_set("maxmemory-policy", "allkeys-lru")
    ground.submit(1)
    broker.config_set("maxmemory", broker.info("memory")["used_memory"])
    ground.submit(number - 1)
    broker.config_set("maxmemory", 0)
    for process in ground.stack.workers:
        process.start()


def _heard(process: Process) -> int:
    """Return how often a worker has heard the doorbell."""
    return process.log.read_text(errors="replace").count('"event": "doorbell"')


@contextmanager
def _through_a_proxy(ground: Ground) -> Iterator[Proxy]:
    direct = str(settings.CELERY_BROKER_URL)
    proxy = Proxy(int(direct.split(":")[2].split("/")[0]))
    try:
        _restart(ground, f"redis://{HOST}:{proxy.port}/0")
        yield proxy
    finally:
        _restart(ground, direct)
        proxy.close()


def _restart(ground: Ground, broker: str) -> None:
    changes = {"CELERY_BROKER_URL": broker}
    ground.stack.restart_workers(changes)
    ground.stack.web.stop()
    ground.stack.web.start(**changes)
    ground.stack.wait_for_web()


ROWS = [
    Row(
        "F10",
        "connections to the broker reset, then dead",
        broken_connections,
        is_ci=False,
        is_alone=True,
    ),
    Row("F09", "the broker is full, or throws messages away", full_broker, is_alone=True),
]
