"""Instances that somebody consents to at a provider, while workers end around the request with the code."""

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User

from instances.models import Instance, InstanceStatus, Operation
from instances.operations import request_instance
from tests.ceremonies import decide, offer
from tests.faults.crash_rows import Tickets, armed
from tests.faults.driver import Accepted
from tests.faults.ground import USERNAME, Ground, Row
from tests.faults.processes import wait_until

ADDRESS = "https://127.0.0.1"
APPLICATION = {"oauth.api.key": "client-of-ours", "oauth.api.secret": "its-long-secret"}
STEPS = ("connected", "code erased", "intended", "answer begun", "answered", "evidence saved")
# The code is in no row any more, and nothing had left: the person is asked again.
ASKED_AGAIN = ("code erased", "intended")
PATIENCE = 120.0


def consents(ground: Ground) -> None:
    """F57: a worker ends at each step around the request that carries a code; the code goes out once."""
    offer(ground.organization(), "sfdc", "oauth2")
    with _known_address(), armed(ground, {"ELEMENTDESK_ADDRESS": ADDRESS}) as tickets:
        for step in STEPS * max(1, ground.operations // len(STEPS)):
            ground.injected += _consent(ground, tickets, step)
        ground.settle()
    ground.needed = len(ground.case.accepted)
    sent = [one for one in ground.account.ledger() if (one.method, one.path) == MAKES]
    ground.expect("one request each", len(sent) == len(ground.case.accepted))
    live = {one["id"] for one in ground.account.instances()}
    known = set(ground.rows().values_list("instance__remote_id", flat=True))
    ground.expect("each is active, and known", live == known)


MAKES = ("POST", "/instances")


def _consent(ground: Ground, tickets: Tickets, step: str) -> bool:
    """Ask for one, allow it, and end the worker that sends the code at a step; True if one ended there."""
    instance = _ask(ground)
    _allow(ground, instance, lambda: tickets.put(step, signal.SIGKILL))
    was_taken = wait_until(lambda: tickets.is_taken(step), PATIENCE, 0.05)
    ground.expect(f"{step}: ended there", was_taken)
    if step in ASKED_AGAIN:
        spent = Operation.objects.filter(instance=instance, problem="spent")
        ground.expect(f"{step}: asked again", wait_until(spent.exists, PATIENCE))
        _allow(ground, instance)
    active = Instance.objects.filter(pk=instance.pk, status=InstanceStatus.ACTIVE)
    ground.expect(f"{step}: active in the end", wait_until(active.exists, PATIENCE))
    return was_taken


def _ask(ground: Ground) -> Instance:
    request_id = uuid.uuid4()
    instance = request_instance(
        requester=User.objects.get(username=USERNAME),
        organization=ground.organization(),
        element_key="sfdc",
        name=f"Consented {len(ground.case.accepted)}",
        configuration=APPLICATION,
        tag_names=["campaign"],
        client_request_id=request_id,
    )
    ground.case.accepted.append(Accepted(request_id, instance.pk, ground.case.organization_id))
    return instance


def _allow(ground: Ground, instance: Instance, before: Callable[[], None] = lambda: None) -> None:
    """Go to the provider as soon as there is a way, press Allow, and come back with the code."""
    provider = ground.stack.sandbox.base_url.split("/elements/")[0]
    found: list[str] = []

    def leave() -> bool:
        answer = ground.driver.get(f"/instances/{instance.pk}/consent/")
        place = answer.headers.get("Location", "")
        found[:] = [place] if place.startswith(provider) else []
        return bool(found)

    if not wait_until(leave, PATIENCE, 0.3):
        ground.expect("there was a way to the provider", False)
        return
    before()
    ground.driver.get(decide(found[0]).removeprefix(ADDRESS))


@contextmanager
def _known_address() -> Iterator[None]:
    """Let this process, too, know where somebody comes back to."""
    before = settings.OAUTH["ADDRESS"]
    settings.OAUTH["ADDRESS"] = ADDRESS
    try:
        yield
    finally:
        settings.OAUTH["ADDRESS"] = before


ROWS = [
    Row(
        "F57",
        "consent at a provider: workers ended around the code",
        consents,
        is_ci=False,
        is_alone=True,
        share=0.1,
    ),
]
