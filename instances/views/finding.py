"""Find the row a page is about, starting at the person; what they may not see does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from instances import access, operations
from instances.access import Action
from instances.models import Delivery, Finding, Instance, Operation, Organization, Share
from instances.reach import Reach, reach_of


class SignedInRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware."""

    user: User
    reach: Reach


def reach_for(request: HttpRequest) -> Reach:
    """Return what the person of the request reaches, read once for a page."""
    asked = cast("SignedInRequest", request)
    if not hasattr(asked, "reach"):
        asked.reach = reach_of(asked.user)
    return asked.reach


P = ParamSpec("P")
Answer = TypeVar("Answer", bound=HttpResponseBase)
Row = TypeVar("Row", bound=Model)


def missing_unless_allowed(
    view: Callable[Concatenate[SignedInRequest, P], Answer],
) -> Callable[Concatenate[SignedInRequest, P], Answer]:
    """Answer a forbidden act as if the row did not exist, so that nobody learns that it does."""

    @wraps(view)
    def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        try:
            return view(request, *args, **kwargs)
        except access.NotAllowedError as error:
            operations.note_refusal(request.user, error.wanted, error.target)
            raise Http404 from error

    return guarded


def find_one(user: User, rows: QuerySet[Row], pk: UUID, wanted: str = "view") -> Row:
    """Return the one of `rows`; that somebody asked for one that exists beside them is recorded."""
    found = rows.filter(pk=pk).first()
    if found is not None:
        return found
    refused = rows.model._default_manager.filter(pk=pk).first()
    if refused is not None:
        operations.note_refusal(user, wanted, _object_of(refused))
    raise Http404


def _object_of(row: Model) -> Model:
    """Return what a row is a part of, if nobody knows the row itself by a name."""
    if isinstance(row, Share):
        return row.instance
    if isinstance(row, Operation):
        return row.subject
    return row.webhook if isinstance(row, Delivery) else row


def find_instance(user: User, pk: UUID) -> Instance:
    """Return the instance if `user` may see it."""
    rows = access.visible_to(user).select_related("organization", "owner")
    return find_one(user, rows, pk)


def find_share(user: User, pk: UUID) -> Share:
    """Return the share of an instance that `user` may manage."""
    rows = Share.objects.filter(instance__in=access.visible_to(user))
    rows = rows.select_related("instance", "user", "team")
    share = find_one(user, rows, pk)
    access.require(user, Action.MANAGE, share.instance)
    return share


def find_operation(user: User, pk: UUID) -> Operation:
    """Return the operation if `user` may see what it is about."""
    rows = Operation.objects.filter(
        Q(instance__in=access.visible_to(user)) | Q(finding__in=access.findings_for(user))
    )
    rows = rows.select_related("instance", "organization", "requester", "finding__organization")
    return find_one(user, rows, pk)


def find_finding(user: User, pk: UUID) -> Finding:
    """Return the finding if `user` may decide about it."""
    rows = access.findings_for(user).select_related("organization", "operation__instance")
    return find_one(user, rows, pk)


def find_organization(user: User, pk: UUID, action: Action = Action.VIEW) -> Organization:
    """Return the organization if `user` is a member, whose role allows `action`."""
    return find_one(user, access.organizations_for(user, action), pk, str(action))
