"""Changes while processes end, restart, or are ended exactly at a step; and changes taken back."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import requests

from instances.models import Instance, OperationKind, OperationState
from tests.faults import changing
from tests.faults.changing import Ask
from tests.faults.crash_rows import Tickets, armed
from tests.faults.driver import NotAcceptedError
from tests.faults.ground import Ground, Row
from tests.faults.process_rows import BROKER_AWAY, DATABASE_AWAY
from tests.faults.processes import wait_until

K, S = OperationKind, OperationState
AT_THE_WIRE = ("intended", "checked", "head sent", "sent", "answer begun")
AT_THE_WEB = ("recorded", "rung")
CHANGED = ("change answered", "change recorded", "change stored")
DELETED = ("deletion answered", "deletion recorded")
STEPS: dict[OperationKind, tuple[str, ...]] = {
    K.EDIT: ("change submitted", *AT_THE_WEB, "woken", "claimed", *AT_THE_WIRE, *CHANGED),
    K.REAUTHENTICATE: ("intended", "sent", *CHANGED),
    K.DISABLE: ("intended", "sent", *CHANGED),
    K.DELETE: ("deletion submitted", "claimed", *AT_THE_WIRE, *DELETED),
}
# Deleted at once.
AT_ONCE = {"ELEMENTDESK_DELETION_DAYS": "0"}
TAKEN = 60.0
PATIENCE = 120.0


def crash(ground: Ground) -> None:
    """F02c: SIGKILL at every step of every change, one each."""
    pairs = [(kind, step) for kind, steps in STEPS.items() for step in steps]
    with armed(ground, AT_ONCE) as tickets:
        made = changing.make(ground, len(pairs))
        for (kind, step), instance in zip(pairs, made, strict=True):
            ground.injected += _crash_once(ground, tickets, (kind, step), instance)
        ground.settle(PATIENCE)
    ground.needed = len(pairs)
    done = ground.rows().exclude(kind=K.CREATE).exclude(state=S.SUCCEEDED)
    ground.expect("all done", not done.exists())


def _crash_once(
    ground: Ground, tickets: Tickets, where: tuple[OperationKind, str], instance: Instance
) -> bool:
    kind, step = where
    if kind == K.DELETE:
        # What is disabled already is deleted by one operation.
        changing.ask(ground, changing.switch(instance, K.DISABLE))
        ground.settle(PATIENCE)
    tickets.put(step, signal.SIGKILL)
    changing.ask(ground, _ask(ground, kind, instance, step))
    was_taken = wait_until(lambda: tickets.is_taken(step), TAKEN, 0.05)
    ground.expect(f"{kind}, {step}: ended there", was_taken)
    ground.settle(PATIENCE)
    return was_taken


def _ask(ground: Ground, kind: OperationKind, instance: Instance, word: str) -> Ask:
    if kind == K.EDIT:
        return changing.edit(instance, f"Renamed at {word}", "renamed")
    if kind == K.REAUTHENTICATE:
        return changing.renew(instance, ground.account)
    return changing.delete(instance) if kind == K.DELETE else changing.switch(instance, kind)


def disturbed(ground: Ground) -> None:
    """F50p: workers, the broker and PostgreSQL end while changes are asked for and made."""
    ground.expected_tracebacks += [*BROKER_AWAY, *DATABASE_AWAY]
    made = changing.make(ground, ground.operations)
    ground.account.fault("latency", None, method="PATCH", path="/instances/", seconds=0.7)
    asks = [changing.edit(one, f"Disturbed {number}") for number, one in enumerate(made)]
    deeds = _deeds(ground)
    ground.needed = len(deeds)
    with ThreadPoolExecutor(1) as hand:
        under_way = hand.submit(changing.ask_all, ground, asks)
        for deed in deeds:
            time.sleep(ground.chance.uniform(0.5, 1.5))
            deed()
            ground.injected += 1
        under_way.result()
    changing.settle_changes(ground, asks)
    edits = ground.rows().filter(kind=K.EDIT, state=S.SUCCEEDED)
    ground.expect("each wish was done", edits.count() == len(asks))


def _deeds(ground: Ground) -> list[Callable[[], object]]:
    stack = ground.stack
    deeds: list[Callable[[], object]] = [
        stack.workers[0].kill,
        stack.kill_broker,
        stack.workers[1].kill,
    ]

    def end_database() -> None:
        stack.kill_database()
        stack.restart_database()

    return [*deeds, end_database] if stack.is_postgresql else deeds


def storm(ground: Ground) -> None:
    """F51c: every change is taken back at any moment of its life."""
    made = changing.make(ground, ground.operations)
    fates = ("latency", "commit then drop", "drop before commit", "latency")
    for number, instance in enumerate(made):
        path = f"/instances/{instance.remote_id}$"
        ground.account.fault(fates[number % len(fates)], method="PATCH", path=path)
    asks = [changing.edit(one, f"Taken back {number}") for number, one in enumerate(made)]
    with ThreadPoolExecutor(8) as hands:
        delays = [ground.chance.choice((0.0, 0.0, 0.05, 0.3, 1.5)) for _ in asks]
        heard = list(
            hands.map(lambda one: _ask_and_take_back(ground, *one), zip(asks, delays, strict=False))
        )
    changing.settle_changes(ground, asks)
    ground.injected, ground.needed = sum(heard), len(asks)
    ground.expect("some were canceled", ground.count(S.CANCELED) > 0)


def _ask_and_take_back(ground: Ground, wish: Ask, after: float) -> bool:
    changing.ask(ground, wish)
    time.sleep(after)
    place = f"/instances/{wish.instance_id}/"

    def press() -> bool:
        with suppress(requests.RequestException, NotAcceptedError):
            answer = ground.driver.post(f"{place}cancel/", wish="keep")
            return answer.headers.get("Location") == place
        return False

    return wait_until(press, PATIENCE, 0.3)


ROWS = [
    Row(
        "F02c", "process ended exactly at each step of a change", crash, is_alone=True, is_ci=False
    ),
    Row("F50p", "changes while processes end", disturbed, is_alone=True, share=0.5),
    Row("F51c", "a storm of cancels of changes", storm, share=0.5),
]
