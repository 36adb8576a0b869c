"""Plants errors and sees whether the checker reports them: a checker that sees nothing proves nothing."""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

import requests
from django.utils import timezone

from instances import vault
from instances.models import Instance, Operation, OperationState, Organization
from tests.faults import change_selftest, checker, trace
from tests.faults.case import Case
from tests.faults.driver import Accepted, Driver
from tests.faults.ground import Ground, Row
from tests.faults.stack import Stack
from tests.faults.trace import Step


def run(stack: Stack, driver: Driver) -> dict[str, bool]:
    """
    Plant each error in a copy of what a clean row left, and say whether it was reported.

    The row is the self-test's own, so that it does not depend on which others ran.
    """
    chance = random.Random(0)
    ground = Ground(ROW, stack, driver, chance, NUMBER)
    ROW.run(ground)
    steps = trace.steps()
    if not all(ground.extras.values()) or checker.check(ground.case, steps).total:
        return {"a clean row to plant errors in": False}
    return {name: plant(ground.case, steps) for name, plant in PLANTS.items()}


def _undisturbed(ground: Ground) -> None:
    """Nothing goes wrong, so that all that is found is what is planted."""
    ground.submit(NUMBER)
    ground.settle()
    ground.expect("all active", len(_succeeded(ground.case)) == NUMBER)


NUMBER = 3
ROW = Row("planted", "nothing, to plant errors in", _undisturbed)


def _succeeded(case: Case) -> list[Operation]:
    rows = Operation.objects.filter(
        organization_id=case.organization_id, state=OperationState.SUCCEEDED
    )
    return list(rows.select_related("instance"))


def _reports(name: str, case: Case, steps: Sequence[Step]) -> bool:
    return bool(checker.check(case, steps)[name])


def _duplicate(case: Case, steps: Sequence[Step]) -> bool:
    """A second live instance with the tag of an operation."""
    tag = _succeeded(case)[0].tag
    twin = case.account.add_instance(name="Planted twin", tags=[tag])
    try:
        return _reports("I2", case, steps) and _reports("I5", case, steps)
    finally:
        case.account.remove_instance(twin["id"])


def _lost(case: Case, steps: Sequence[Step]) -> bool:
    """A request that the server had accepted and that no row knows."""
    unknown = Accepted(uuid.uuid4(), uuid.uuid4(), case.organization_id)
    return _reports("I1", replace(case, accepted=[*case.accepted, unknown]), steps)


def _wrong_token(case: Case, steps: Sequence[Step]) -> bool:
    """A stored token that is not the platform's."""
    instance = _succeeded(case)[0].made
    kept = instance.token
    Instance.objects.filter(pk=instance.pk).update(token=vault.seal(instance, "token", "wrong"))
    try:
        return _reports("I6", case, steps)
    finally:
        Instance.objects.filter(pk=instance.pk).update(token=kept)


def _wrong_state(case: Case, steps: Sequence[Step]) -> bool:
    """An operation that is said to be rejected, and whose instance lives."""
    row = Operation.objects.filter(pk=_succeeded(case)[0].pk)
    row.update(state=OperationState.REJECTED)
    try:
        return _reports("I3", case, steps)
    finally:
        row.update(state=OperationState.SUCCEEDED)


def _impossible_move(case: Case, steps: Sequence[Step]) -> bool:
    """A move that is not in the table, and one that an older epoch made."""
    row = _succeeded(case)[0]
    now = timezone.now().timestamp()
    moved = Step(now, "operation", row.pk, "succeeded", "queued", 3, 3, "")
    stale = Step(now, "attempt", row.pk, "", "in_flight", 4, 3, "")
    return _reports("I8", case, [*steps, moved]) and _reports("I9", case, [*steps, stale])


def _second_request(case: Case, steps: Sequence[Step]) -> bool:
    """A request that left although the one before it had not been resolved."""
    blind = [step for step in steps if step.what != "attempt"]
    tag = _succeeded(case)[0].tag
    body = {"name": "Planted", "element": {"key": "zuorav2"}, "tags": [tag], "configuration": {}}
    url = f"{_base_url(case)}/instances"
    headers = {"Authorization": case.account.authorization}
    requests.post(url, json=body, headers=headers, timeout=20)
    return _reports("I4", case, blind)


def _base_url(case: Case) -> str:
    return Organization.objects.get(pk=case.organization_id).base_url


def _open_breaker(case: Case, steps: Sequence[Step]) -> bool:
    """A breaker that was open while the requests of a row were sent."""
    opened = Step(0.0, "breaker", case.organization_id, "closed", "open", 0, 0, "")
    return _reports("I10", case, [opened, *steps])


Plant = Callable[[Case, Sequence[Step]], bool]
PLANTS: dict[str, Plant] = {
    "duplicate": _duplicate,
    "lost": _lost,
    "wrong token": _wrong_token,
    "wrong state": _wrong_state,
    "impossible move": _impossible_move,
    "open breaker": _open_breaker,
    "second request": _second_request,
    # Last: what the platform did stays in its ledger.
    **change_selftest.PLANTS,
}
