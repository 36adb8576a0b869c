"""The key, its organization, the catalog and the record of that."""

from datetime import date
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema

from instances import access, audit
from instances.api import showing
from instances.api.asking import refuse_invalid, refuse_unknown
from instances.api.caller import ApiKeyHeader, caller_of
from instances.api.document import router, told
from instances.api.shapes import AuditPage, ElementList, ElementOut, KeyOut, OrganizationList
from instances.api.wishes import Text as Plain
from instances.forms import AuditFilter
from instances.models import AuditResult, Element, Scope

TAGS = ["Organization"]
READ = ApiKeyHeader(Scope.READ)
PAGE = 100
Text = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get(
    "key",
    auth=READ,
    response=told({200: KeyOut}),
    tags=TAGS,
    operation_id="getKey",
    summary="What this key may do",
)
def get_key(request: HttpRequest) -> KeyOut:
    """Never more than its owner may do at that moment."""
    key = caller_of(request).key
    return KeyOut(
        name=key.name,
        prefix=key.prefix,
        owner=key.owner.get_username(),
        organization=showing.named(key.organization),
        scopes=[scope.value for scope in key.scopes],
        expires_at=key.expires_at,
    )


@router.get(
    "organizations",
    auth=READ,
    response=told({200: OrganizationList}),
    tags=TAGS,
    operation_id="listOrganizations",
    summary="List organizations",
)
def list_organizations(request: HttpRequest) -> OrganizationList:
    """A key is for one organization, so it is one."""
    return OrganizationList(items=[showing.organization(caller_of(request).organization)])


@router.get(
    "elements",
    auth=READ,
    response=told({200: ElementList}, 422),
    tags=TAGS,
    operation_id="listElements",
    summary="List the catalog of elements",
)
def list_elements(
    request: HttpRequest,
    q: Text = "",
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> ElementList:
    """As it was read last; `q` is a part of the name or key, or a hub."""
    refuse_unknown(request, "q", "offset")
    rows = Element.objects.listed(caller_of(request).organization, q)
    found = list(rows[offset : offset + PAGE + 1])
    more = len(found) > PAGE
    return ElementList(
        items=[showing.element_line(row) for row in found[:PAGE]],
        next=offset + PAGE if more else None,
    )


@router.get(
    "elements/{key}",
    auth=READ,
    response=told({200: ElementOut}, 422),
    tags=TAGS,
    operation_id="getElement",
    summary="What an element asks for",
)
def get_element(
    request: HttpRequest, key: Annotated[str, Path(max_length=100, pattern=r"^[^\x00/]+$")]
) -> ElementOut:
    """Every entry of its configuration, and of each whether it is required and secret."""
    mine = Element.objects.filter(organization=caller_of(request).organization)
    if (row := mine.filter(element_key=key).first()) is None:
        raise Http404
    return showing.element(row)


class AuditQuery(Schema):
    """The filters of the page, by the same names."""

    actor: Plain = Field("", max_length=150)
    action: Plain = Field("", max_length=60, description="How it begins, such as token.")
    about: Plain = Field("", max_length=40, description="The id of an object, or of a request.")
    result: str = Field("", json_schema_extra={"enum": ["", *AuditResult.values]})
    since: date | None = None
    until: date | None = None
    before: int | None = Field(None, ge=1, lt=2**63)


@router.get(
    "audit",
    auth=ApiKeyHeader(Scope.ADMIN),
    response=told({200: AuditPage}, 422),
    tags=TAGS,
    operation_id="listAudit",
    summary="Read the audit record",
)
def list_audit(request: HttpRequest, filters: Query[AuditQuery]) -> AuditPage:
    """Of the key's organization, for its admins. A page may be short though more follows."""
    refuse_unknown(request, *AuditQuery.model_fields)
    caller = caller_of(request)
    # Of the organization alone, whatever else the owner may read.
    access.require(caller.user, access.Action.ADMINISTER, caller.organization)
    query: Any = request.GET.copy()
    query["organization"] = str(caller.organization.pk)
    form = AuditFilter(query, organizations=[caller.organization])
    refuse_invalid(form)
    rows = access.audit_entries_for(caller.user)
    page = audit.excerpt(form.narrow(rows), form.rest(), is_narrow=form.is_narrow)
    return AuditPage(items=[showing.audit_line(row) for row in page.rows], next=page.before)
