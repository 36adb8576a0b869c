"""What changes of instances promise, held against the platform's ledger."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from instances.models import (
    CHANGES,
    UNRESOLVED,
    Attempt,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationState,
)
from sandbox.running import Entry
from sandbox.steering import Document

K, S = OperationKind, OperationState
WRITES = ("PUT", "PATCH", "DELETE")
DEEDS = ("instance changed", "instance deleted")
SWITCHES = (K.DISABLE, K.ENABLE)
# What the record of people's doings must say when a change, or a deletion, moves there.
DONE = {
    K.EDIT: "instance.edited",
    K.REAUTHENTICATE: "instance.reauthenticated",
    K.DISABLE: "instance.disabled",
    K.ENABLE: "instance.enabled",
    K.DELETE: "instance.deleted",
}
UNDONE = {S.REJECTED: "change.refused", S.CANCELED: "change.canceled"}
UNDONE_DELETION = {S.REJECTED: "instance.not_deleted", S.CANCELED: "instance.deletion_undone"}


@dataclass(frozen=True)
class Asked:
    """A change that the server said it has taken."""

    kind: OperationKind
    instance_id: UUID


def audited(kind: str) -> dict[str, str]:
    """Return which entry of the record a move of a change to a state must leave."""
    if kind == K.ADOPT:
        return {}
    ends = UNDONE_DELETION if kind == K.DELETE else UNDONE
    return {S.SUCCEEDED.value: DONE[K(kind)]} | {one.value: text for one, text in ends.items()}


def lost(asked: Iterable[Asked], operations: list[Operation]) -> Iterator[str]:
    """Yield changes that were taken, and of which there is no row."""
    left = [(row.kind, row.instance_id, row.payload.get("then")) for row in operations]
    for one in asked:
        found = [row for row in left if row[1] == one.instance_id and _fits(one, row)]
        if not found:
            yield f"{one.kind} of {one.instance_id} was taken and is not in the database"
        else:
            left.remove(found[0])


def _fits(asked: Asked, row: tuple[str, UUID | None, str | None]) -> bool:
    kind, _, then = row
    if asked.kind == K.DELETE:
        return kind == K.DELETE or then == K.DELETE
    return kind == asked.kind and then is None


def contradicted(
    operations: list[Operation], live: list[Document], ledger: list[Entry], *, is_late: bool
) -> Iterator[str]:
    """Yield changes whose end is not what the platform did."""
    shown = {one["id"]: one for one in live}
    yield from _unasked(operations, ledger)
    yield from _told_too_early(operations)
    for row in operations:
        if row.kind == K.DELETE:
            yield from _deletion(row, shown)
        elif row.kind in CHANGES and row.state in (S.REJECTED, S.CANCELED) and not is_late:
            yield from _not_nothing(row, ledger)
    for row in _newest(operations):
        yield from _newest_wish(row, shown)


def _unasked(operations: list[Operation], ledger: list[Entry]) -> Iterator[str]:
    asked = {row.remote_id for row in operations if row.kind == K.DELETE}
    undone = {row.remote_id for row in operations if row.kind == K.DELETE and row.state in UNDONE}
    for entry in ledger:
        for deed in entry.commits:
            if deed.deed == "instance deleted" and deed.instance not in asked:
                yield f"instance {deed.instance} was deleted, and nobody asked for that"
            elif deed.deed == "instance deleted" and deed.instance in undone - _deleted(operations):
                yield f"instance {deed.instance} was deleted after that was undone"


def _deleted(operations: list[Operation]) -> set[int | None]:
    done = (row for row in operations if row.kind == K.DELETE and row.state not in UNDONE)
    return {row.remote_id for row in done}


def _told_too_early(operations: list[Operation]) -> Iterator[str]:
    ends = (S.SUCCEEDED, S.REJECTED, S.CANCELED)
    ids = [row.pk for row in operations if row.kind != K.CREATE and row.state in ends]
    for one in Attempt.objects.filter(operation_id__in=ids, outcome__in=UNRESOLVED):
        yield f"{one.operation_id} is at its end, and a request of it has an unknown outcome"


def _deletion(row: Operation, shown: dict[int, Document]) -> Iterator[str]:
    lives = row.remote_id in shown
    if row.state == S.SUCCEEDED and lives:
        yield f"{row.pk} is told as deleted, and instance {row.remote_id} lives"
    has_left = row.instance is not None and row.instance.status == InstanceStatus.DELETED
    if row.state in UNDONE and has_left and lives:
        yield f"{row.pk} is {row.state}, and instance {row.remote_id} is shown as deleted"


def _not_nothing(row: Operation, ledger: list[Entry]) -> Iterator[str]:
    for entry in sent_by(row, ledger):
        if any(deed.deed in DEEDS for deed in entry.commits):
            yield f"{row.pk} is {row.state}, and {entry.method} {entry.path} changed something"


def _newest(operations: list[Operation]) -> list[Operation]:
    """Return the last wish of each sort that is told as done, for what is not deleted."""
    last: dict[tuple[object, str], Operation] = {}
    for row in sorted(operations, key=lambda one: one.created_at):
        if row.kind in CHANGES and row.state == S.SUCCEEDED:
            sort = "switch" if row.kind in SWITCHES else str(row.kind)
            last[row.instance_id, sort] = row
    return [row for row in last.values() if row.problem != "differs"]


def _newest_wish(row: Operation, shown: dict[int, Document]) -> Iterator[str]:
    remote = shown.get(row.remote_id or 0)
    if remote is None:
        return
    if row.kind in SWITCHES and remote["disabled"] is not (row.kind == K.DISABLE):
        yield f"{row.pk} is told as done, and instance {row.remote_id} is not {row.kind}d"
    if row.kind != K.EDIT:
        return
    if row.payload.get("name", remote["name"]) != remote["name"]:
        yield f"{row.pk} is told as done, and {row.remote_id} is called {remote['name']!r}"
    if not set(row.payload.get("tags_added", ())) <= set(remote["tags"] or ()):
        yield f"{row.pk} is told as done, and {row.remote_id} has other tags"
    if row.payload.get("tags_added") and not _own_tag(row) & set(remote["tags"] or ()):
        yield f"{row.pk} left instance {row.remote_id} without our tag"


def _own_tag(row: Operation) -> set[str]:
    makers = row.made.operations.filter(kind__in=(K.CREATE, K.ADOPT))
    return set(makers.values_list("tag", flat=True))


def sent_by(row: Operation, ledger: list[Entry]) -> list[Entry]:
    """Return the requests of a change: one at a time is under way with an instance."""
    start = row.created_at.timestamp()
    end = row.finished_at.timestamp() if row.finished_at else float("inf")
    places = (f"/instances/{row.remote_id}", f"/instances/{row.remote_id}/enabled")
    return [
        entry
        for entry in ledger
        if entry.method in WRITES and entry.path in places and start <= entry.time <= end
    ]


def overlapping(row: Operation, ledger: list[Entry], ended: list[float]) -> Iterator[str]:
    """Yield requests that left while an earlier one of the change was unresolved."""
    for number, entry in enumerate(sent_by(row, ledger)):
        if number > sum(at <= entry.time for at in ended):
            yield f"{row.pk} sent request {number + 1} while an earlier one was unresolved"
