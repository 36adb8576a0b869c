"""What is taken back, at every step and in a storm: what is shown must be what the ledger says."""

import os
import re
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import requests
from django.utils import timezone

from instances.models import CancelWish, Operation, OperationKind, OperationState, Organization
from tests.faults.case import Case
from tests.faults.crash_rows import AFTER_A_LOSS, AT_THE_WORKER, Tickets, armed
from tests.faults.driver import Accepted, NotAcceptedError
from tests.faults.ground import Ground, Row
from tests.faults.processes import wait_until

SHOWN = re.compile(r'<span class="status status-\w+">.*?</svg>(.*?)</span>', re.DOTALL)
WISHES = (CancelWish.KEEP, CancelWish.DELETE)
# What happens to a request of the storm on the platform, if it gets there.
FATES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("commit then drop", {}),
    ("drop before commit", {}),
    ("late commit", {"seconds": 2.0, "then": "close"}),
)
STEPS = (*AT_THE_WORKER, *AFTER_A_LOSS)
# What is taken back there must not be sent any more.
BEFORE_IT_IS_RECORDED = ("claimed", "started", "connected")
# Every so many of the storm is of an organization whose calls are held back.
PAUSED = 4
# Longer than a page takes, shorter than a lease.
MOMENT = 1.0
PATIENCE = 60.0


def storm(ground: Ground) -> None:
    """F51: everything is taken back, three times at once, at any moment of its life."""
    for number in range(ground.operations):
        name, options = FATES[number % len(FATES)]
        ground.account.fault(name, first_only=True, **options)
    # What waits here is taken back before it is sent, however late that is.
    paused = ground.new_case()
    _pause(paused, timezone.now() + timedelta(hours=1))
    # One fault for all: several would all strike the first request, one after the other.
    ground.account.fault("latency", times=None, seconds=0.7)
    presses = []
    with ThreadPoolExecutor(8) as hands:
        for number in range(ground.operations):
            case = paused if number % PAUSED == 0 else ground.case
            accepted = ground.driver.submit(ground.wish(case, name=f"Storm {number}"))
            case.accepted.append(accepted)
            due = time.monotonic() + ground.chance.choice((0.0, 0.05, 0.3, 1.0, 3.0))
            for wish in (*WISHES, ground.chance.choice(WISHES)):
                presses.append(hands.submit(_take_back, ground, accepted, wish, due))
    ground.injected, ground.needed = sum(one.result() for one in presses), len(presses)
    _pause(paused, None)
    _rest(ground)
    _compare(ground)
    canceled = ground.count(OperationState.CANCELED, case=paused)
    ground.expect("what was not sent is canceled", canceled == len(paused.accepted))


def _pause(case: Case, until: datetime | None) -> None:
    Organization.objects.filter(pk=case.organization_id).update(paused_until=until)


def _take_back(ground: Ground, accepted: Accepted, wish: CancelWish, due: float) -> bool:
    """Press the button at a time, or soon after, until it is heard; return whether it was."""
    time.sleep(max(0.0, due - time.monotonic()))
    place = f"/instances/{accepted.instance_id}/"
    return wait_until(lambda: _press(ground, place, wish), PATIENCE, 0.3)


def _press(ground: Ground, place: str, wish: CancelWish) -> bool:
    with suppress(requests.RequestException, NotAcceptedError):
        answer = ground.driver.post(f"{place}cancel/", wish=wish.value)
        if answer.headers.get("Location") == place:
            return True
    ground.driver.forget()
    return False


def at_each_step(ground: Ground) -> None:
    """F51s: a worker stands still at a step, the request is taken back, the worker goes on."""
    ground.needed = len(STEPS)
    with armed(ground) as tickets, ThreadPoolExecutor(1) as hand:
        for number, step in enumerate(STEPS):
            _stand_still(ground, tickets, step)
            press = hand.submit(_take_back, ground, ground.case.accepted[-1], WISHES[number % 2], 0)
            # Who stands still may hold what the page waits for.
            wait((press,), timeout=MOMENT)
            _go_on(tickets.takers(step))
            ground.expect(f"{step}: heard", press.result())
            _rest(ground)
            _compare(ground)
            if step in BEFORE_IT_IS_RECORDED:
                sent = ground.rows().latest("pk").attempts.exclude(outcome="not_sent")
                ground.expect(f"{step}: nothing was sent", not sent.exists())


def _stand_still(ground: Ground, tickets: Tickets, step: str) -> None:
    """Ask for one more, and wait until a process stands still at that step of it."""
    if fault := AFTER_A_LOSS.get(step):
        ground.account.fault(fault)
    tickets.put(step, signal.SIGSTOP)
    ground.submit(1)
    was_taken = wait_until(lambda: tickets.is_taken(step), PATIENCE)
    ground.injected += was_taken
    ground.expect(f"{step}: stood there", was_taken)


def _go_on(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _rest(ground: Ground) -> None:
    """Wait until nothing moves, deletions of what was created after all included."""
    ground.settle()
    owed = Operation.objects.taken_back_too_late().filter(pk__in=ground.rows())
    ground.expect("deletions were asked for", wait_until(lambda: not owed.exists(), PATIENCE))
    ground.settle()


def _compare(ground: Ground) -> None:
    """Hold what each page shows against what the platform's ledger says."""
    live = {tag for one in ground.account.instances() for tag in one["tags"] or ()}
    made = {tag for entry in ground.account.ledger() if entry.created for tag in entry.tags}
    for operation in ground.rows().filter(kind=OperationKind.CREATE):
        shown, true = _shown(ground, operation), _truth(operation, live, made)
        if shown != true:
            ground.expect(f"{operation.code}: {shown!r} is shown, {true!r} is true", False)
    ground.expect("each page shows what the ledger says", bool(live or made))


def _shown(ground: Ground, operation: Operation) -> str:
    place = f"/instances/{operation.instance_id}/"
    if ground.driver.get(place).status_code != 200:
        ground.driver.forget()
    found = SHOWN.search(ground.driver.get(place).text)
    return " ".join(found[1].split()) if found else ""


def _truth(operation: Operation, live: set[str], made: set[str]) -> str:
    if operation.tag not in made:
        return "Canceled"
    is_unwanted = operation.cancel_wish == CancelWish.DELETE
    return "Active" if operation.tag in live and not is_unwanted else "Deleted"


ROWS = [
    Row("F51", "a storm of cancels", storm),
    Row("F51s", "taken back at each step", at_each_step, is_alone=True, is_ci=False, share=0.5),
]
