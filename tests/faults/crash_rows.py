"""Processes that are ended, or stopped, exactly at a named step."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from instances.models import AttemptOutcome, OperationState
from tests.faults.ground import Ground, Row
from tests.faults.process_rows import BROKER_AWAY, DATABASE_AWAY
from tests.faults.processes import wait_until
from tests.faults.stack import PERIODS

S = OperationState
AT_THE_WEB = ("submitted", "recorded", "rung")
AT_THE_WORKER = (
    *("woken", "claimed", "started", "connected", "intended", "checked", "head sent", "sent"),
    *("answer begun", "answered", "evidence saved", "finishing", "finished"),
)
# Reached only after an answer was lost: created, or not created.
AFTER_A_LOSS = {
    "looking": "commit then drop",
    "sighting saved": "commit then drop",
    "proven absent": "drop before commit",
}
STEPS = (*AT_THE_WEB, *AT_THE_WORKER, *AFTER_A_LOSS)
# Steps before the first byte: what is ended there has sent nothing.
UNSENT = (*AT_THE_WEB, "woken", "claimed", "started", "connected", "intended", "checked")
QUICK = {
    "ELEMENTDESK_CALL_SECONDS": "2",
    "ELEMENTDESK_LEASE_SECONDS": "3",
    "ELEMENTDESK_SETTLE_SECONDS": "3",
    "ELEMENTDESK_LOOK_PAUSES": "0.2,0.3,0.5",
}
LEASE = float(QUICK["ELEMENTDESK_LEASE_SECONDS"])
SETTLE = float(QUICK["ELEMENTDESK_SETTLE_SECONDS"])
TAKEN = 60.0


class Tickets:
    """The folder from which a process takes its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, step: str, number: signal.Signals) -> None:
        """Let the next process that reaches the step get the signal."""
        (self.folder / "next").write_text(number.name)
        (self.folder / "next").rename(self.folder / step)

    def is_taken(self, step: str) -> bool:
        return not (self.folder / step).exists()

    def takers(self, step: str) -> list[int]:
        """Return the ids of the processes that took a ticket for the step."""
        names = [path.name for path in self.folder.glob(f"{step}.taken-by-*")]
        return [int(name.rsplit("-", 1)[1]) for name in names]


@contextmanager
def armed(ground: Ground, also: Mapping[str, str] | None = None) -> Iterator[Tickets]:
    """Run web and workers with crash points, short periods and `also`, and as usual afterwards."""
    folder = ground.stack.folder / "tickets"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    changes = {"DEBUG": "true", "ELEMENTDESK_CRASH_AT": str(folder), **QUICK, **(also or {})}
    _restart(ground, changes)
    try:
        yield Tickets(folder)
    finally:
        _restart(ground, {"DEBUG": "false", "ELEMENTDESK_CRASH_AT": "", **PERIODS})


def _restart(ground: Ground, changes: dict[str, str]) -> None:
    for process in (*ground.stack.workers, ground.stack.web):
        process.stop()
        process.start(**changes)
    ground.stack.wait_for_web()


def crash(ground: Ground) -> None:
    """F02: SIGKILL at every step, one operation each."""
    times = max(1, ground.operations // len(STEPS))
    ground.needed = times * len(STEPS)
    with armed(ground) as tickets:
        for step in STEPS:
            for _ in range(times):
                ground.injected += _crash_once(ground, tickets, step)
        ground.settle()
    ground.expect("all active", ground.count(S.SUCCEEDED) == len(ground.case.accepted))


def _crash_once(ground: Ground, tickets: Tickets, step: str) -> bool:
    before = ground.posts()
    if fault := AFTER_A_LOSS.get(step):
        ground.account.fault(fault)
    tickets.put(step, signal.SIGKILL)
    ground.submit(1)
    was_taken = _either(lambda: False, tickets, step)
    ground.expect(f"{step}: ended there", was_taken)
    ground.settle(60)
    if step in UNSENT:
        ground.expect(f"{step}: one request", ground.posts() == before + 1)
    return was_taken


def stop(ground: Ground) -> None:
    """F18: a worker stops at a step, others take over, and it goes on long after its lease."""
    steps = [step for step in AT_THE_WORKER if step not in ("woken", "finished", "checked")]
    chosen = steps if ground.operations >= 60 else ground.chance.sample(steps, 3)
    _stop_at_each(ground, chosen)
    late = ground.rows().filter(attempts__outcome=AttemptOutcome.NOT_SENT).distinct().count()
    ground.note = f"{late} found out before sending that it was too late"


def stop_in_the_hole(ground: Ground) -> None:
    """F18b: stopped between the last check and the first byte, for longer than the settle time."""
    _stop_at_each(ground, ["checked"] * max(1, ground.operations // 60))


def _stop_at_each(ground: Ground, steps: Sequence[str]) -> None:
    # Locks of a worker that stands still hold others up until the database gives up on them.
    ground.expected_tracebacks += [*DATABASE_AWAY, *BROKER_AWAY]
    ground.needed = len(steps)
    with armed(ground) as tickets:
        for step in steps:
            tickets.put(step, signal.SIGSTOP)
            ground.submit(max(1, ground.operations // len(steps)))
            ground.injected += _either(lambda: False, tickets, step)
            time.sleep(max(5 * LEASE, SETTLE + LEASE))
            for pid in tickets.takers(step):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            ground.settle(120)
    ground.expect("all active", ground.count(S.SUCCEEDED) == len(ground.case.accepted))


def poison(ground: Ground) -> None:
    """F44: an operation that ends its worker again and again; a person, after five."""
    with armed(ground) as tickets:
        # Before it is asked for: a worker may be faster than we are.
        tickets.put("started", signal.SIGKILL)
        ground.submit(1)
        rows = ground.rows()
        is_over = rows.filter(state=S.NEEDS_PERSON).exists
        while ground.injected < 8 and _either(is_over, tickets, "started"):
            ground.injected += 1
            tickets.put("started", signal.SIGKILL)
        for ticket in tickets.folder.glob("started"):
            ticket.unlink()
        others = ground.new_case()
        ground.submit(ground.operations, others)
        ground.settle()
    ground.needed = 5
    ground.expect("stopped after five claims", ground.injected == 5)
    ground.expect("said why", rows.filter(problem="poison").count() == 1)
    ground.expect("nothing was sent", ground.posts() == 0)
    ground.expect("others went on", ground.count(S.SUCCEEDED, case=others) == ground.operations)


def _either(is_over: Callable[[], bool], tickets: Tickets, step: str) -> bool:
    """Wait for either; return whether the ticket was taken."""
    wait_until(lambda: is_over() or tickets.is_taken(step), TAKEN, 0.05)
    return tickets.is_taken(step)


ROWS = [
    Row("F02", "process ended exactly at each of 19 steps", crash, is_alone=True),
    # On SQLite a process that stands still may hold the only lock there is: all wait for it.
    Row(
        "F18",
        "worker stopped at a step, continued after five leases",
        stop,
        is_alone=True,
        only="postgresql",
    ),
    Row(
        "F18b",
        "worker stopped between check and first byte",
        stop_in_the_hole,
        is_ci=False,
        only="postgresql",
        is_alone=True,
        is_late=True,
    ),
    Row(
        "F44",
        "one operation ends every worker that takes it",
        poison,
        is_ci=False,
        is_alone=True,
        resolves=False,
        share=0.2,
    ),
]
