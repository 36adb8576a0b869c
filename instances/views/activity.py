"""What was asked for and what was sent, over all instances."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instances import prepared
from instances.forms import PagePosition
from instances.models import Operation
from instances.models.walk import Walk
from instances.reach import Reach
from instances.views.finding import SignedInRequest, reach_for
from instances.views.keyset import page_along
from instances.views.pairs import parts_of_operations
from instances.views.progress import attempts_of

# Long columns that no list shows.
NOT_SHOWN = ("payload", "instance__element", "instance__configuration", "instance__token")


@require_safe
def activity(request: SignedInRequest) -> HttpResponse:
    """Show operations and their attempts, newest first."""
    walks = prepared.walks(every_operation, reach_for(request))
    page = page_along(walks, PagePosition(request.GET), dress=_with_names)
    context = {
        "page": page,
        "attempts": attempts_of(page.rows),
        "parts": parts_of_operations(request.user, page.rows),
    }
    return render(request, "instances/activity.html", context)


def every_operation(reach: Reach) -> list[Walk[Operation]]:
    """Return how to walk the operations on instances that the person may see."""
    return reach.operations(Operation.objects.all())


def _with_names(rows: QuerySet[Operation]) -> QuerySet[Operation]:
    return rows.select_related("instance", "requester", "organization").defer(*NOT_SHOWN)
