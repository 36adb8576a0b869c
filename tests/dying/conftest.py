"""Workers that die where they are told to, and others that find what they left."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workers import Worker, empty_broker

QUICK = {"ELEMENTDESK_SETTLE_SECONDS": "1", "ELEMENTDESK_WORKER_PROCESSES": "1"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start workers that die where a ticket tells them to; end those that are left."""
    workers: list[Worker] = []
    tickets = tmp_path / "tickets"
    tickets.mkdir()
    empty_broker()

    def begin(step: str = "", **changes: str) -> Worker:
        if step:
            (tickets / step).write_text("SIGKILL")
        armed = {"DEBUG": "true", "ELEMENTDESK_CRASH_AT": str(tickets)}
        workers.append(Worker(tmp_path, **QUICK, **armed, **changes))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.stop()
