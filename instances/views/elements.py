"""The catalog of an organization: which elements there are, and what each asks for."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from instances import access, oauth, operations
from instances.access import Action
from instances.models import CatalogReading, Element
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed

# Names are for reading: whoever has more of them searches.
MOST_SHOWN = 200


@require_safe
def element_list(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """List the elements of an organization's account, or those that match a search."""
    organization = find_organization(request.user, pk)
    sought = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = Element.objects.filter(organization=organization).defer("settings").order_by("name")
    if sought:
        found = found.filter(
            Q(name__icontains=sought) | Q(element_key__icontains=sought) | Q(hub__iexact=sought)
        )
    elements = list(found[: MOST_SHOWN + 1])
    context = {
        "organization": organization,
        "elements": elements[:MOST_SHOWN],
        "has_more": len(elements) > MOST_SHOWN,
        "sought": sought,
        "reading": CatalogReading.objects.filter(pk=organization.pk).first(),
        "can_create": access.can(request.user, Action.CREATE, organization),
    }
    return render(request, "organizations/element_list.html", context)


@require_safe
def element_detail(request: SignedInRequest, pk: UUID, key: str) -> HttpResponse:
    """Show an element and the entries that its form asks for."""
    organization = find_organization(request.user, pk)
    element = get_object_or_404(Element, organization=organization, element_key=key)
    is_oauth = oauth.may_ask_consent(element)
    context = {
        "organization": organization,
        "element": element,
        "is_oauth": is_oauth,
        "can_create": access.can(request.user, Action.CREATE, organization),
        "callback": oauth.callback_address() if is_oauth else "",
    }
    return render(request, "organizations/element_detail.html", context)


@require_POST
@missing_unless_allowed
def elements_read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Read the catalog now."""
    organization = find_organization(request.user, pk)
    operations.request_catalog(actor=request.user, organization=organization)
    messages.info(request, "The catalog is read from the platform now.")
    return redirect("instances:elements", organization.pk)
