"""Joins our tables with the platform's ledger and counts what must never be: I1 to I16."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from instances import tags, vault
from instances.models import (
    CHANGES,
    AttemptOutcome,
    AuditEntry,
    Evidence,
    Finding,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationSecret,
    OperationState,
)
from instances.models.states import FINAL, moves_of
from instances.vault import Purpose
from sandbox.running import Entry
from sandbox.steering import Document
from tests.faults import changes_of
from tests.faults.case import Case
from tests.faults.invariants import INVARIANTS
from tests.faults.trace import Step

RESOLVED = (
    AttemptOutcome.NOT_SENT,
    AttemptOutcome.THROTTLED,
    AttemptOutcome.REJECTED,
    AttemptOutcome.PROVEN_ABSENT,
    AttemptOutcome.DECLARED_ABSENT,
    AttemptOutcome.SUPERSEDED,
)
NOTHING_MADE = (OperationState.REJECTED, OperationState.CANCELED)
# Only a worker that holds the operation brings it there.
WORKERS_OWN = (OperationState.SENDING, OperationState.UNKNOWN, OperationState.SUCCEEDED)
AUDITED: dict[str, str] = {
    OperationState.SUCCEEDED: "instance.created",
    OperationState.REJECTED: "instance.rejected",
    OperationState.CANCELED: "instance.canceled",
    OperationState.NEEDS_PERSON: "instance.needs_person",
}
IS_CONTROL = ("GET", "/organizations/me")
# A call that was on its way when the breaker opened is none that went out while it was open.
ON_ITS_WAY = 0.5


class Violations(dict[str, list[str]]):
    """What was found wrong, in words, by invariant."""

    def __init__(self) -> None:
        super().__init__({name: [] for name in INVARIANTS})

    @property
    def total(self) -> int:
        return sum(map(len, self.values()))

    def take(self, other: "Violations") -> None:
        for name, found in other.items():
            self[name] += found


@dataclass(frozen=True)
class Seen:
    """Everything that is compared, read once after everything has come to rest."""

    case: Case
    operations: list[Operation]
    live: list[Document]
    ledger: list[Entry]
    steps: list[Step]

    @classmethod
    def now(cls, case: Case, steps: Sequence[Step]) -> "Seen":
        rows = Operation.objects.filter(organization_id=case.organization_id)
        operations = list(rows.select_related("instance", "organization"))
        known = {operation.pk for operation in operations} | {case.organization_id}
        return cls(
            case,
            operations,
            case.account.instances(),
            case.account.ledger(),
            [step for step in steps if step.row_id in known],
        )

    def live_of(self, operation: Operation) -> list[Document]:
        return [one for one in self.live if operation.tag in (one["tags"] or ())]


def check(case: Case, steps: Sequence[Step]) -> Violations:
    """Count I1 to I11 and I14 for one organization; everything must have come to rest."""
    seen = Seen.now(case, steps)
    found = Violations()
    for name, look in CHECKS.items():
        found[name] = [f"{case.row}: {text}" for text in look(seen)]
    return found


def _lost(seen: Seen) -> Iterable[str]:
    by_request = {row.client_request_id: row for row in seen.operations}
    for accepted in seen.case.accepted:
        row = by_request.get(accepted.request_id)
        if row is None:
            yield f"request {accepted.request_id} is not in the database"
        elif row.instance_id != accepted.instance_id:
            yield f"request {accepted.request_id} led to another instance"
    yield from changes_of.lost(seen.case.asked, seen.operations)
    for row in seen.operations:
        if row.state not in (*FINAL, OperationState.NEEDS_PERSON):
            yield f"{row.pk} stands in {row.state}: {row.problem} {row.message}"


def _several(seen: Seen) -> Iterable[str]:
    for row in seen.operations:
        live = seen.live_of(row)
        if len(live) > 1 and not (seen.case.is_late and _all_reported(row, live)):
            yield f"{row.pk} has {len(live)} live instances"


def _all_reported(operation: Operation, live: list[Document]) -> bool:
    known = _known_ids(operation.organization_id)
    return all(one["id"] in known for one in live)


def _contradicted(seen: Seen) -> Iterable[str]:
    ids = {one["id"] for one in seen.live}
    yield from changes_of.contradicted(
        seen.operations, seen.live, seen.ledger, is_late=seen.case.is_late
    )
    for row in seen.operations:
        live = seen.live_of(row)
        if row.state == OperationState.SUCCEEDED and row.kind != OperationKind.DELETE:
            yield from _shown_and_true(row, row.made.remote_id in ids)
        elif row.state in NOTHING_MADE and live and not seen.case.lies:
            yield f"{row.pk} is {row.state}, but {live[0]['id']} lives"


def _shown_and_true(operation: Operation, lives: bool) -> Iterable[str]:
    made = operation.made
    if made.status == InstanceStatus.DELETED and lives:
        yield f"{operation.pk} is shown as deleted, but instance {made.remote_id} lives"
    elif made.status != InstanceStatus.DELETED and not lives:
        yield f"{operation.pk} succeeded, but instance {made.remote_id} does not live"


def _overlapping(seen: Seen) -> Iterable[str]:
    for row in seen.operations:
        ended = [
            step.at
            for step in seen.steps
            if step.what == "attempt" and step.row_id == row.pk and step.new in RESOLVED
        ]
        if row.kind != OperationKind.CREATE:
            yield from changes_of.overlapping(row, seen.ledger, ended)
            continue
        posts = [one for one in seen.ledger if one.method == "POST" and row.tag in one.tags]
        for number, post in enumerate(posts):
            if number > sum(at <= post.time for at in ended):
                yield f"{row.pk} sent request {number + 1} while an earlier one was unresolved"


def _unknown(seen: Seen) -> Iterable[str]:
    known = _known_ids(seen.case.organization_id)
    for one in seen.live:
        if any(map(tags.is_ours, one["tags"] or ())) and one["id"] not in known:
            yield f"instance {one['id']} is known to nobody"


def _known_ids(organization_id: UUID) -> set[int]:
    rows = Instance.objects.filter(organization_id=organization_id, remote_id__isnull=False)
    found = Finding.objects.filter(organization_id=organization_id)
    evidence = Evidence.objects.filter(attempt__operation__organization_id=organization_id)
    # Evidence counts where a person sees it: on the page of an operation that waits for one.
    waiting = evidence.filter(attempt__operation__state=OperationState.NEEDS_PERSON)
    ids = [query.values_list("remote_id", flat=True) for query in (rows, found, waiting)]
    return {number for each in ids for number in each if number is not None}


def _tokens(seen: Seen) -> Iterable[str]:
    true = {one["id"]: one["token"] for one in seen.live}
    active = Instance.objects.filter(
        organization_id=seen.case.organization_id, status=InstanceStatus.ACTIVE
    )
    for instance in active:
        stored = vault.open_sealed(instance, "token", purpose=Purpose.CHECK).reveal()
        if instance.remote_id in true and stored != true[instance.remote_id]:
            yield f"instance {instance.remote_id} has another token here"


def _credentials(seen: Seen) -> Iterable[str]:
    left = OperationSecret.objects.filter(
        operation__organization_id=seen.case.organization_id, operation__state__in=FINAL
    )
    return [f"{secret.operation_id} keeps its credentials" for secret in left]


def _moves(seen: Seen) -> Iterable[str]:
    kinds = {row.pk: row.kind for row in seen.operations}
    for step in seen.steps:
        if step.what != "operation" or step.old == step.new:
            continue
        if step.old not in moves_of(kinds[step.row_id])[OperationState(step.new)]:
            yield f"{step.row_id} went from {step.old} to {step.new}"


def _epochs(seen: Seen) -> Iterable[str]:
    for step in seen.steps:
        if step.what == "attempt" and step.old_epoch != step.new_epoch:
            yield f"{step.row_id}: attempt of epoch {step.new_epoch} in epoch {step.old_epoch}"
        if step.what == "operation" and step.new_epoch not in (step.old_epoch, step.old_epoch + 1):
            yield f"{step.row_id}: epoch went from {step.old_epoch} to {step.new_epoch}"
        is_move = step.what == "operation" and step.old != step.new
        if is_move and step.new in WORKERS_OWN and not step.owner:
            yield f"{step.row_id} went to {step.new} though nobody held it"


def _while_open(seen: Seen) -> Iterable[str]:
    spans = list(_open_spans([step for step in seen.steps if step.what == "breaker"]))
    for one in seen.ledger:
        is_control = (one.method, one.path) == IS_CONTROL
        if not is_control and any(start + ON_ITS_WAY < one.time < end for start, end in spans):
            yield f"{one.method} {one.path} at {one.time:.3f}"


def _open_spans(steps: list[Step]) -> Iterable[tuple[float, float]]:
    opened: float | None = None
    for step in steps:
        if step.new == "open":
            opened = step.at if opened is None else opened
        elif opened is not None:
            yield opened, step.at
            opened = None
    if opened is not None:
        yield opened, float("inf")


def _unaudited(seen: Seen) -> Iterable[str]:
    written: dict[tuple[str, str], int] = defaultdict(int)
    subjects = [str(row.subject.pk) for row in seen.operations]
    for entry in AuditEntry.objects.filter(object_id__in=subjects):
        written[entry.object_id, entry.action] += 1
    happened: dict[tuple[str, str], int] = defaultdict(int)
    by_id = {row.pk: row for row in seen.operations}
    for step in seen.steps:
        is_move = step.what == "operation" and step.old != step.new
        if is_move and (action := _audited(by_id[step.row_id]).get(step.new)):
            happened[str(by_id[step.row_id].subject.pk), action] += 1
    for row in by_id.values():
        if row.kind == OperationKind.CREATE:
            happened[str(row.subject.pk), "instance.requested"] += 1
        elif row.kind in CHANGES:
            happened[str(row.subject.pk), f"{row.kind}.requested"] += 1
    for (subject, action), times in happened.items():
        if written[subject, action] < times:
            yield f"{action} of {subject} is missing {times - written[subject, action]} times"


def _audited(operation: Operation) -> dict[str, str]:
    is_create = operation.kind == OperationKind.CREATE
    return AUDITED if is_create else changes_of.audited(operation.kind)


def _need_a_person(seen: Seen) -> Iterable[str]:
    if not seen.case.resolves:
        return
    for row in seen.operations:
        if row.state == OperationState.NEEDS_PERSON:
            yield f"{row.pk} needs a person: {row.problem} {row.message}"


CHECKS = {
    "I1": _lost,
    "I2": _several,
    "I3": _contradicted,
    "I4": _overlapping,
    "I5": _unknown,
    "I6": _tokens,
    "I7": _credentials,
    "I8": _moves,
    "I9": _epochs,
    "I10": _while_open,
    "I11": _unaudited,
    "I14": _need_a_person,
}
