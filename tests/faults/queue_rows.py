"""Many wait in the queue of one organization: another's work goes on, and no herd comes of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from django.conf import settings
from django.contrib.auth.models import User

from instances.models import FINAL, Operation, OperationState, Organization
from instances.operations import request_instance
from tests.faults.case import Case
from tests.faults.driver import Accepted
from tests.faults.ground import USERNAME, Ground, Row
from tests.faults.processes import wait_until
from tests.faults.stack import PERIODS

S = OperationState
QUEUED = 500
OTHERS = 20
MOST_SECONDS = 10.0
# What hangs keeps its place for as long as the row lasts.
LONG = {"ELEMENTDESK_CALL_SECONDS": "300", "ELEMENTDESK_LEASE_SECONDS": "400"}
# The herd: calls a second that the platform lets through once it is back.
RATE = 5.0
OUTAGE = 4.0


def hanging_neighbor(ground: Ground) -> None:
    """F45: one organization's platform hangs with 500 queued; another's operations pass by."""
    ground.account.fault("hang", times=None)
    # As many at once as the product lets out for an organization that nobody gave a number.
    Organization.objects.filter(pk=ground.case.organization_id).update(calls_in_flight=None)
    with _patient_workers(ground):
        ground.case.accepted += [_queue(ground, number) for number in range(QUEUED)]
        ground.needed = settings.ENGINE["CALLS_PER_ORGANIZATION"]
        wait_until(lambda: _hanging(ground) >= ground.needed, 60)
        other = ground.new_case()
        took = _pass_by(ground, other)
        ground.injected = _hanging(ground)
        waiting = QUEUED - ground.count(*FINAL, case=ground.case)
        ground.expect(f"{QUEUED} waited all the while", waiting == QUEUED)
        ground.account.clear_faults()
        ground.account.release()
    ground.settle()
    ground.expect("all active", ground.count(S.SUCCEEDED) == QUEUED + OTHERS)
    late = took[ceil(0.95 * len(took)) - 1]
    ground.note = f"p95 {late:.1f} s, most {took[-1]:.1f} s"
    ground.expect(f"p95 of the other at most {MOST_SECONDS:.0f} s", late <= MOST_SECONDS)


def _queue(ground: Ground, number: int) -> Accepted:
    """Ask as the form does, but without a browser: it is the queue that matters."""
    wish = ground.wish(name=f"Queued {number}")
    instance = request_instance(
        requester=User.objects.get(username=USERNAME),
        organization=ground.organization(),
        element_key="zuorav2",
        name=wish.name,
        configuration={
            "zuorav2.sandbox": True,
            "username": ground.account.sandbox.username,
            "password": ground.account.sandbox.password,
        },
        tag_names=["campaign"],
        client_request_id=wish.request_id,
    )
    return Accepted(wish.request_id, instance.pk, wish.organization_id)


def _hanging(ground: Ground) -> int:
    """Return how many requests the platform holds without an answer."""
    return sum("hang" in entry.faults and not entry.ended_at for entry in ground.account.ledger())


@contextmanager
def _patient_workers(ground: Ground) -> Iterator[None]:
    ground.stack.restart_workers(LONG)
    try:
        yield
    finally:
        ground.stack.restart_workers({name: PERIODS[name] for name in LONG})


def _pass_by(ground: Ground, case: Case) -> list[float]:
    """Submit twenty one after the other; return the seconds from submit to active, in order."""
    sent = {}
    for number in range(OTHERS):
        wish = ground.wish(case, name=f"Other {number}")
        sent[wish.request_id] = time.time()
        case.accepted.append(ground.driver.submit(wish))
    wait_until(lambda: ground.count(S.SUCCEEDED, case=case) == OTHERS, 60)
    rows = Operation.objects.filter(client_request_id__in=sent)
    ends = dict(rows.values_list("client_request_id", "finished_at"))
    return sorted(end.timestamp() - sent[pk] if end else float("inf") for pk, end in ends.items())


def thundering_herd(ground: Ground) -> None:
    """F46: an outage with a full queue; the platform comes back and lets few calls through."""
    number = max(20, 2 * ground.operations)
    ground.account.fault("status", times=None, path="/", status=503)
    ground.submit(number)
    time.sleep(OUTAGE)
    ground.injected, ground.needed = ground.struck("status"), 5
    ground.account.set(rate_limit=RATE)
    ground.account.clear_faults()
    back = time.time()
    ground.settle()
    since = [entry for entry in ground.account.ledger() if entry.time >= back]
    seconds = time.time() - back
    refused = sum(entry.status == 429 for entry in since)
    ground.note = f"{refused} of {len(since)} calls refused in {seconds:.0f} s"
    # Each refusal holds all calls back for a second; those under way then are at most the cap.
    ground.expect("no storm of 429", refused <= len(since) / 2)
    ground.expect("all active", ground.count(S.SUCCEEDED) == number)


ROWS = [
    Row("F45", "one organization hangs with 500 queued", hanging_neighbor, is_alone=True),
    Row("F46", "a full queue after an outage, few calls let through", thundering_herd, is_ci=False),
]
