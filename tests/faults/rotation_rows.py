"""Instances that are exchanged make-before-break while answers are lost and workers end at each step."""

import re
import signal
import time
from contextlib import suppress
from uuid import UUID

import requests

from instances.models import Instance, Operation, OperationKind, Rotation, RotationState
from tests.faults import changing
from tests.faults.crash_rows import Tickets, armed
from tests.faults.driver import NotAcceptedError
from tests.faults.ground import Ground, Row
from tests.faults.pages import fields_of
from tests.faults.processes import wait_until

K = OperationKind
PLACE = re.compile(r"/instances/([0-9a-f-]{36})/$")
STEPS = ("rotation asked", "rotation stepped")
# Deleted at once, and nobody's calls are waited for.
AT_ONCE = {"ELEMENTDESK_DELETION_DAYS": "0", "ELEMENTDESK_ROTATION_QUIET_HOURS": "0"}
# What becomes of the request that makes the new one.
FATES = ("commit then drop", "drop before commit", "status")
# So many workers are ended; later there may be nothing left to do a step of.
MOST_ENDS = 6
PERSISTENCE = 120.0
PATIENCE = 300.0


def rotations(ground: Ground) -> None:
    """F56: answers to the new one's creation are lost, and workers end as they take a step."""
    made = changing.make(ground, ground.operations)
    for number in range(len(made)):
        ground.account.fault(FATES[number % len(FATES)], first_only=True)
    with armed(ground, AT_ONCE) as tickets:
        twins = [_rotate(ground, old) for old in made]
        ends = [STEPS[number % 2] for number in range(min(len(made), MOST_ENDS))]
        ended = sum(_end_at(tickets, step) for step in ends)
        mine = Rotation.objects.filter(old__in=[one.pk for one in made])
        over = wait_until(lambda: not mine.exclude(state__in=_OVER).exists(), PATIENCE, 0.5)
        ground.settle()
    struck = sum(bool(one.faults) for one in ground.account.ledger())
    ground.injected, ground.needed = struck + ended, len(made) + len(STEPS)
    ground.expect("came to an end", over)
    ground.expect("each is done", mine.filter(state=RotationState.DONE).count() == len(made))
    ground.expect("workers were ended", ended >= len(STEPS))
    _compare(ground, made, twins)


_OVER = (RotationState.DONE, RotationState.ENDED)


def _compare(ground: Ground, made: list[Instance], twins: list[UUID]) -> None:
    """Hold what is left against what was asked for: each new one lives, and each old one is gone."""
    live = {one["id"] for one in ground.account.instances()}
    new = set(Instance.objects.filter(pk__in=twins).values_list("remote_id", flat=True))
    ground.expect("the new ones live, and nothing else", live == new)
    for old in made:
        kinds = Operation.objects.filter(instance=old).order_by("pk").values_list("kind", flat=True)
        ground.expect("each step once", list(kinds) == [K.CREATE, K.DISABLE, K.DELETE])


def _rotate(ground: Ground, old: Instance) -> UUID:
    """
    Fill in the page and send it until it is taken; return the new one's id.

    :raises NotAcceptedError: it was not taken within two minutes.
    """
    path, credentials = f"/instances/{old.pk}/rotate/", ground.account.sandbox
    typed = {"username": credentials.username, "password": credentials.password, "days": "0"}
    end, fields, said = time.monotonic() + PERSISTENCE, dict[str, str](), ""
    while time.monotonic() < end:
        with suppress(requests.RequestException, NotAcceptedError):
            # Always with the hidden id of the first page: it is one wish.
            fields = fields or fields_of(ground.driver.get(path).text)
            sent = {**fields, **typed}
            sent.pop("csrfmiddlewaretoken", None)
            answer = ground.driver.post(path, **sent)
            if place := PLACE.search(answer.headers.get("Location", "")):
                return UUID(place[1])
            said = f"{answer.status_code} {answer.headers.get('Location', '')}"
        ground.driver.forget()
        time.sleep(0.3)
    raise NotAcceptedError(said)


def _end_at(tickets: Tickets, step: str) -> bool:
    """End the next worker that comes to the step; False if none does."""
    tickets.put(step, signal.SIGKILL)
    taken = wait_until(lambda: tickets.is_taken(step), 20, 0.05)
    if not taken:
        (tickets.folder / step).unlink(missing_ok=True)
    return taken


ROWS = [
    Row(
        "F56",
        "rotated: answers lost, workers ended at each step",
        rotations,
        is_ci=False,
        is_alone=True,
        share=0.1,
    ),
]
