"""The catalog of an organization: which elements there are, and what each asks for."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from instances import access, oauth, operations
from instances.access import Action
from instances.models import CatalogReading, Element, Organization
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.settling import render_settled

LIST = "organizations/element_list.html"
# Names are for reading: whoever has more of them searches.
MOST_SHOWN = 200


@require_safe
def element_list(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """List the elements of an organization's account, or those that match a search."""
    organization = find_organization(request.user, pk)
    context = _reading_of(organization)
    is_part = request.headers.get("HX-Target") == "reading"
    if is_part and context["is_reading"]:
        return render(request, f"{LIST}#reading", context)
    sought = request.GET.get("q", "").replace("\0", "").strip()[:100]
    elements = list(Element.objects.listed(organization, sought)[: MOST_SHOWN + 1])
    context |= {
        "elements": elements[:MOST_SHOWN],
        "has_more": len(elements) > MOST_SHOWN,
        "sought": sought,
        "can_create": access.can(request.user, Action.CREATE, organization),
    }
    return (render_settled if is_part else render)(request, LIST, context)


def _reading_of(organization: Organization) -> dict[str, Any]:
    """Tell how reading the catalog stands; it is under way only where calls may go out."""
    reading = CatalogReading.objects.filter(pk=organization.pk).first()
    asked_at = reading.asked_at if reading else None
    seen = Element.objects.filter(
        organization=organization, seen_at__gte=asked_at or timezone.now()
    )
    return {
        "organization": organization,
        "reading": reading,
        "is_reading": asked_at is not None and not organization.is_held_up,
        "count_read": seen.count() if asked_at else 0,
    }


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
