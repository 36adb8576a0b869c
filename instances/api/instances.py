"""Instances: listed with the filters of the page, read, asked for."""

from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema, Status

from instances import operations, pasted
from instances.api import showing
from instances.api.asking import Once, refuse_invalid, refuse_unknown, request_id
from instances.api.caller import ApiKeyHeader, caller_of
from instances.api.document import router, told
from instances.api.shapes import HealthOut, InstanceOut, InstancePage, OperationOut, TokenOut
from instances.api.wishes import InstanceWish, Text, TokenWish
from instances.forms import InstanceFilter
from instances.models import (
    Environment,
    Health,
    HealthState,
    Instance,
    InstanceStatus,
    OperationKind,
    Scope,
)
from instances.models.instance import DISABLED
from instances.models.walk import Span, newest
from instances.problems import ProblemError
from instances.reach import reach_of

TAGS = ["Instances"]
Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]


def _one_of(*choices: str) -> Any:
    """Tell what a filter may be; whether it is that, the form of the page says."""
    return Field("", json_schema_extra={"enum": ["", *choices]})


class Filters(Schema):
    """The filters of the page, by the same names."""

    q: Text = Field("", max_length=255)
    status: str = _one_of(*InstanceStatus.values, DISABLED[0])
    health: str = _one_of(*HealthState.values)
    environment: str = _one_of(*Environment.values)
    owner: str = _one_of("me")
    tag: Text = Field("", max_length=255)
    element: Text = Field("", max_length=100)
    access: str = _one_of("shared")


@router.get(
    "instances",
    auth=ApiKeyHeader(Scope.READ),
    response=told({200: InstancePage}, 422),
    tags=TAGS,
    operation_id="listInstances",
    summary="List instances",
)
def list_instances(
    request: HttpRequest,
    filters: Query[Filters],
    after: UUID | None = None,
    limit: Limit = 50,
) -> InstancePage:
    """Newest first, those that the owner of the key may see in its organization."""
    refuse_unknown(request, *Filters.model_fields, "after", "limit")
    caller = caller_of(request)
    query = request.GET.copy()
    query["organization"] = str(caller.organization.pk)
    form = InstanceFilter(query, reach=reach_of(caller.user))
    refuse_invalid(form)
    rows = newest(form.walks(), Span(limit + 1, older_than=after), _with_names)
    more = len(rows) > limit
    return InstancePage(
        items=showing.lines(rows[:limit]), next=rows[limit - 1].pk if more else None
    )


def _with_names(rows: QuerySet[Instance]) -> QuerySet[Instance]:
    return rows.select_related("organization", "owner", "health")


@router.post(
    "instances",
    auth=ApiKeyHeader(Scope.WRITE),
    response=told({202: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="createInstance",
    summary="Ask for an instance",
)
def create_instance(
    request: HttpRequest, response: HttpResponse, wish: InstanceWish, once: Once
) -> Status[OperationOut]:
    """
    The body is the platform's own instance.json. Answered is the wish: wait for its operation.

    Credentials are sealed at once and erased when the operation is final.
    """
    caller = caller_of(request)
    asked = pasted.request_of(wish.model_dump(include={"element", "name", "tags", "configuration"}))
    made = operations.request_instance(
        requester=caller.user,
        organization=caller.organization,
        element_key=asked.element_key,
        name=asked.name,
        configuration=asked.configuration,
        tag_names=asked.tags,
        client_request_id=request_id(caller, once),
        environment=wish.environment,
        heeds_environment=not wish.confirm_environment,
    )
    return made_by(response, made)


def made_by(response: HttpResponse, made: Instance) -> Status[OperationOut]:
    """Return the operation that creates `made`, and say where that will be."""
    response["Location"] = f"/api/v1/instances/{made.pk}"
    creating = made.operations.select_related("requester", "instance")
    return Status(202, showing.operation(creating.get(kind=OperationKind.CREATE)))


@router.get(
    "instances/{uuid:pk}",
    auth=ApiKeyHeader(Scope.READ),
    response=told({200: InstanceOut}, 422),
    tags=TAGS,
    operation_id="getInstance",
    summary="Read an instance",
)
def get_instance(request: HttpRequest, response: HttpResponse, pk: UUID) -> InstanceOut:
    """With its configuration, every secret masked; its ETag is what a change wants as If-Match."""
    shown = showing.whole(caller_of(request).find_instance(pk))
    response["ETag"] = shown.etag()
    return shown


@router.get(
    "instances/{uuid:pk}/health",
    auth=ApiKeyHeader(Scope.READ),
    response=told({200: HealthOut}, 409, 422),
    tags=TAGS,
    operation_id="getHealth",
    summary="How an instance is doing",
)
def get_health(request: HttpRequest, pk: UUID) -> Health:
    """By the last checks of the platform's own record of it."""
    instance = caller_of(request).find_instance(pk)
    health = Health.objects.filter(pk=instance.pk).first()
    if health is None:
        raise ProblemError(409, "not-watched", "It is not watched (yet).")
    return health


@router.post(
    "instances/{uuid:pk}/token",
    auth=ApiKeyHeader(Scope.REVEAL),
    response=told({200: TokenOut}, 409, body=True),
    tags=TAGS,
    operation_id="revealToken",
    summary="Fetch the token",
)
def reveal_token(
    request: HttpRequest, response: HttpResponse, pk: UUID, wish: TokenWish | None = None
) -> TokenOut:
    """
    Recorded with the owner of the key before it is sent. By POST, so that nothing keeps it.

    The body may be left out, unless the organization asks for a reason: then 422 `reason-missing`.
    """
    caller = caller_of(request)
    reason = wish.reason if wish else ""
    secret = operations.reveal_token(
        actor=caller.user, instance=caller.find_instance(pk), reason=reason
    )
    response["Cache-Control"] = "no-store"
    token = secret.reveal()
    return TokenOut(token=token, header=f"User <USER_SECRET>, Element {token}")
