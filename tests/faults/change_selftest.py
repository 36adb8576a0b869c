"""Plants errors in what is told of changes: each must be reported, in these words."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import requests
from django.db.models.functions import Now
from django.utils import timezone

from instances.models import (
    Attempt,
    AttemptOutcome,
    Instance,
    Operation,
    OperationKind,
    OperationState,
)
from tests.faults import checker
from tests.faults.case import Case
from tests.faults.changes_of import Asked
from tests.faults.trace import Step

K, S = OperationKind, OperationState
Plant = Callable[[Case, Sequence[Step]], bool]


def _says(name: str, words: str, case: Case, steps: Sequence[Step]) -> bool:
    return any(words in text for text in checker.check(case, steps)[name])


def _made(case: Case) -> Instance:
    rows = Instance.objects.filter(organization_id=case.organization_id, status="active")
    return rows.select_related("organization").earliest("pk")


@contextmanager
def _planted(
    case: Case, kind: OperationKind, state: OperationState, **asked: object
) -> Iterator[Operation]:
    """A change of the first instance that no worker ever saw, for the time of one check."""
    instance = _made(case)
    operation = Operation.objects.create(
        kind=kind,
        instance=instance,
        organization=instance.organization,
        requester=instance.operations.earliest("pk").requester,
        remote_id=instance.remote_id,
        client_request_id=uuid.uuid4(),
        payload=asked,
        tag=f"planted-{uuid.uuid4()}",
        state=state,
        finished_at=Now(),
    )
    try:
        yield operation
    finally:
        Attempt.objects.filter(operation=operation).delete()
        Operation.objects.filter(pk=operation.pk).delete()


def _send(case: Case, method: str, path: str, operation: Operation | None = None) -> None:
    """Let the platform see a request that we did not send; the operation ends right after it."""
    requests.request(
        method,
        f"{_made(case).organization.base_url}{path}",
        json={"name": "Planted"} if method == "PATCH" else None,
        headers={"Authorization": case.account.authorization},
        timeout=20,
    )
    if operation is not None:
        # By a clock as fine as the ledger's: that of SQLite cuts off what is less than a millisecond.
        Operation.objects.filter(pk=operation.pk).update(finished_at=timezone.now())


def _told_done(case: Case, steps: Sequence[Step]) -> bool:
    """An edit and a switch that are told as done, and that the platform never saw."""
    with _planted(case, K.EDIT, S.SUCCEEDED, name="Never sent"):
        is_seen = _says("I3", "is called", case, steps)
    with _planted(case, K.DISABLE, S.SUCCEEDED):
        return is_seen and _says("I3", "is not disabled", case, steps)


def _told_deleted(case: Case, steps: Sequence[Step]) -> bool:
    """A deletion that is told as done, of what lives."""
    with _planted(case, K.DELETE, S.SUCCEEDED):
        return _says("I3", "is told as deleted", case, steps)


def _told_too_early(case: Case, steps: Sequence[Step]) -> bool:
    """A change that is told as refused while nobody knows what came of its request."""
    with _planted(case, K.EDIT, S.REJECTED) as operation:
        Attempt.objects.create(
            operation=operation,
            number=1,
            epoch=0,
            origin="planted",
            secrets_version=1,
            deadline_at=Now(),
            outcome=AttemptOutcome.UNKNOWN,
        )
        return _says("I3", "unknown outcome", case, steps)


def _canceled_though_made(case: Case, steps: Sequence[Step]) -> bool:
    """A change that is told as taken back, and that the platform made."""
    with _planted(case, K.EDIT, S.CANCELED) as operation:
        _send(case, "PATCH", f"/instances/{operation.remote_id}", operation)
        return _says("I3", "changed something", case, steps)


def _two_at_once(case: Case, steps: Sequence[Step]) -> bool:
    """A second request of a change, though the first one had not been resolved."""
    with _planted(case, K.EDIT, S.SUCCEEDED) as operation:
        _send(case, "PATCH", f"/instances/{operation.remote_id}", operation)
        _send(case, "PATCH", f"/instances/{operation.remote_id}", operation)
        return _says("I4", f"{operation.pk} sent request 2", case, steps)


def _deleted_unasked(case: Case, steps: Sequence[Step]) -> bool:
    """An instance of somebody else that is deleted, and nobody had asked for that."""
    victim = case.account.add_instance(name="Planted victim")
    _send(case, "DELETE", f"/instances/{victim['id']}")
    return _says("I3", f"instance {victim['id']} was deleted, and nobody", case, steps)


def _lost_change(case: Case, steps: Sequence[Step]) -> bool:
    """A change that the server had taken and that no row knows."""
    asked = [*case.asked, Asked(K.EDIT, _made(case).pk)]
    return _says("I1", "was taken and is not", replace(case, asked=asked), steps)


PLANTS: dict[str, Plant] = {
    "change told as done": _told_done,
    "told as deleted": _told_deleted,
    "change told too early": _told_too_early,
    "canceled though made": _canceled_though_made,
    "two requests of a change": _two_at_once,
    "deleted unasked": _deleted_unasked,
    "lost change": _lost_change,
}
