"""Wishes: where they stand, waiting for them, deciding about them, taking them back."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query

from instances import access, operations
from instances.api import showing, waiting
from instances.api.asking import refuse_unknown
from instances.api.caller import ApiKeyHeader, caller_of
from instances.api.document import router, told
from instances.api.shapes import OperationOut
from instances.api.wishes import CancelWish, DecisionWish
from instances.models import CancelWish as Wish
from instances.models import Scope
from instances.operations import Choice

TAGS = ["Operations"]
Seconds = Annotated[
    float,
    Query(ge=0, le=30, description="Answer when it is final or needs somebody, or after so long."),
]


@router.get(
    "operations/{uuid:pk}",
    auth=ApiKeyHeader(Scope.READ),
    response=told({200: OperationOut}, 422),
    tags=TAGS,
    operation_id="getOperation",
    summary="Read an operation, or wait for it",
)
def get_operation(request: HttpRequest, pk: UUID, wait: Seconds = 0.0) -> OperationOut:
    """Only so many may wait at once; one more is answered 503 and may ask without waiting."""
    refuse_unknown(request, "wait")
    caller = caller_of(request)
    row = caller.find_operation(pk)
    if wait and not waiting.is_settled(row):
        waiting.wait_for(row, wait)
        row = caller.find_operation(pk)
    return showing.operation(row)


@router.post(
    "operations/{uuid:pk}/decide",
    auth=ApiKeyHeader(Scope.WRITE),
    response=told({200: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="decideOperation",
    summary="Decide how an operation goes on",
)
def decide_operation(request: HttpRequest, pk: UUID, wish: DecisionWish) -> OperationOut:
    """What no machine can settle; `choices` of the operation says what may be decided."""
    caller = caller_of(request)
    row = caller.find_operation(pk)
    access.require_deciding(caller.user, row)
    operations.decide(
        actor=caller.user,
        operation=row,
        choice=Choice(wish.choice),
        reason=wish.reason,
        remote_id=wish.remote_id,
    )
    return showing.operation(caller.find_operation(pk))


@router.post(
    "operations/{uuid:pk}/cancel",
    auth=ApiKeyHeader(Scope.WRITE),
    response=told({200: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="cancelOperation",
    summary="Take a request back",
)
def cancel_operation(request: HttpRequest, pk: UUID, wish: CancelWish) -> OperationOut:
    """At once while nothing has left, else when its outcome is known."""
    caller = caller_of(request)
    row = caller.find_operation(pk)
    access.require(caller.user, access.Action.MANAGE, row.made)
    if not operations.may_be_canceled(row):
        raise operations.TooLateToCancelError
    operations.request_cancel(actor=caller.user, instance=row.made, wish=Wish(wish.wish))
    return showing.operation(caller.find_operation(pk))
