"""The list of instances."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instances.forms import InstanceFilter, PagePosition
from instances.views.finding import SignedInRequest
from instances.views.keyset import page_of

TEMPLATE = "instances/instance_list.html"


@require_safe
def instance_list(request: SignedInRequest) -> HttpResponse:
    """Show instances, newest first; asked by htmx, only the part that changes."""
    filters = InstanceFilter(request.GET, user=request.user)
    rows = filters.rows().select_related("organization", "owner").prefetch_related("tags")
    page = page_of(rows, PagePosition(request.GET))
    part = request.headers.get("HX-Target", "")
    template = f"{TEMPLATE}#{part}" if part in ("rows", "results") else TEMPLATE
    is_busy = any(instance.is_busy for instance in page.rows)
    return render(request, template, {"filters": filters, "page": page, "is_busy": is_busy})
