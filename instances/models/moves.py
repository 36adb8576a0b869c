"""A move of an operation, and whether people are told of it: written in the transaction of the move."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from instances.models.notice import Notice, NoticeKind, key_of
from instances.models.states import OperationKind, OperationState

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instances.models.operation import Operation

S = OperationState
TOLD = {
    S.UNKNOWN: NoticeKind.UNKNOWN,
    S.NEEDS_PERSON: NoticeKind.ACTION_NEEDED,
    S.REJECTED: NoticeKind.FAILED,
    S.SUCCEEDED: NoticeKind.CREATED,
}
TROUBLE = (NoticeKind.UNKNOWN, NoticeKind.ACTION_NEEDED)


class Moving(NamedTuple):
    """What must be known of an operation to move it."""

    pk: UUID
    kind: str
    state: str
    lease_epoch: int
    instance: UUID | None
    at: datetime


def tell(
    operations: "QuerySet[Operation]", moving: Sequence[Moving], state: OperationState, problem: str
) -> None:
    """Write down what people are told of these moves to `state`, if of any."""
    told = {row.pk: row for row in moving if _is_told(row, state)}
    if not told:
        return
    rows = operations.filter(pk__in=told).select_related("instance", "finding")
    made = [_notice(row, told[row.pk], state, problem) for row in rows]
    Notice.objects.note(*_without_untroubled(made))


def _is_told(row: Moving, state: OperationState) -> bool:
    """Leave out what a person has just decided, and that one of very many was adopted."""
    is_news = state in TOLD and row.state not in (state, S.NEEDS_PERSON)
    return is_news and not (state == S.SUCCEEDED and row.kind == OperationKind.ADOPT)


def _notice(operation: "Operation", row: Moving, state: OperationState, problem: str) -> Notice:
    is_other = state == S.SUCCEEDED and row.kind != OperationKind.CREATE
    # A person may be needed again, after one has decided; each other state is told once.
    again = [row.lease_epoch] if state == S.NEEDS_PERSON else []
    return Notice(
        key=key_of("operation", row.pk, state, *again),
        kind=NoticeKind.RECOVERED if is_other else TOLD[state],
        about=row.kind,
        problem=problem[:60],
        name=str(operation.subject)[:255],
        organization_id=operation.organization_id,
        instance_id=operation.instance_id,
        finding_id=operation.finding_id,
        operation=operation,
    )


def _without_untroubled(made: Sequence[Notice]) -> list[Notice]:
    """Leave out what went well of which nobody was told otherwise before."""
    well = [one.operation_id for one in made if one.kind == NoticeKind.RECOVERED]
    if not well:
        return list(made)
    earlier = Notice.objects.filter(operation__in=well, kind__in=TROUBLE)
    troubled = set(earlier.values_list("operation", flat=True))
    return [one for one in made if one.kind != NoticeKind.RECOVERED or one.operation_id in troubled]
