"""Who besides the members sees an instance: given and ended."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from instances import operations
from instances.api import showing
from instances.api.asking import refuse_invalid
from instances.api.caller import ApiKeyHeader, caller_of
from instances.api.document import router, told
from instances.api.errors import invalid
from instances.api.shapes import ShareList, ShareOut
from instances.api.wishes import ShareWish
from instances.forms import ShareForm
from instances.forms.sharing import teams_for
from instances.models import Scope

TAGS = ["Shares"]


@router.get(
    "instances/{uuid:pk}/shares",
    auth=ApiKeyHeader(Scope.READ),
    response=told({200: ShareList}, 422),
    tags=TAGS,
    operation_id="listShares",
    summary="With whom an instance is shared",
)
def list_shares(request: HttpRequest, pk: UUID) -> ShareList:
    """Newest first, those that have ended too."""
    instance = caller_of(request).find_instance(pk)
    rows = instance.shares.select_related("user", "team", "granted_by").order_by("-pk")
    return ShareList(items=[showing.share(row) for row in rows])


@router.post(
    "instances/{uuid:pk}/shares",
    auth=ApiKeyHeader(Scope.ADMIN),
    response=told({200: ShareOut}, body=True),
    tags=TAGS,
    operation_id="shareInstance",
    summary="Share an instance",
)
def share_instance(request: HttpRequest, pk: UUID, wish: ShareWish) -> ShareOut:
    """With one person or one team; sent again, it replaces the share with them."""
    caller = caller_of(request)
    instance = caller.find_managed(pk)
    data: dict[str, Any] = wish.model_dump(exclude_none=True)
    teams = teams_for(instance)
    if wish.team and (team := teams.filter(name=wish.team).first()) is None:
        raise invalid(("team", "There is no such team."))
    data["team"] = team.pk if wish.team and team else ""
    form = ShareForm(data, actor=caller.user, instance=instance)
    refuse_invalid(form)
    made = operations.share_instance(actor=caller.user, instance=instance, **form.wish())
    return showing.share(made)


@router.delete(
    "shares/{uuid:pk}",
    auth=ApiKeyHeader(Scope.ADMIN),
    response=told({204: None}, 422),
    tags=TAGS,
    operation_id="removeShare",
    summary="End a share",
)
def remove_share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """At once, and with it what its recipients gave on."""
    caller = caller_of(request)
    operations.remove_share(actor=caller.user, share=caller.find_share(pk))
    return HttpResponse(status=204)
