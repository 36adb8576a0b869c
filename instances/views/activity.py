"""What was asked for and what was sent, over all instances."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instances import access
from instances.forms import PagePosition
from instances.models import Operation
from instances.views.finding import SignedInRequest
from instances.views.keyset import page_of


@require_safe
def activity(request: SignedInRequest) -> HttpResponse:
    """Show operations and their attempts, newest first."""
    rows = Operation.objects.filter(instance__in=access.visible_to(request.user))
    rows = rows.select_related("instance", "requester", "organization")
    page = page_of(rows.prefetch_related("attempts"), PagePosition(request.GET))
    return render(request, "instances/activity.html", {"page": page})
