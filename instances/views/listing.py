"""The list of instances."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instances.forms import InstanceFilter, PagePosition
from instances.models import OWN_TAG, Instance, InstanceTag
from instances.views.broken import DIAGNOSED, health_of
from instances.views.diagnosis import Diagnosis, diagnose
from instances.views.finding import SignedInRequest, reach_for
from instances.views.keyset import page_along
from instances.views.pairs import parts_of_instances

TEMPLATE = "instances/instance_list.html"
SHOWN = (
    *("name", "element_key", "environment", "status", "is_disabled", "remote_id", "created_at"),
    *("organization__name", "organization__environment_label", "owner__username"),
    *DIAGNOSED,
)


@require_safe
def instance_list(request: SignedInRequest) -> HttpResponse:
    """Show instances, newest first; asked by htmx, only the part that changes."""
    filters = InstanceFilter(request.GET, reach=reach_for(request))
    page = page_along(filters.walks(), PagePosition(request.GET), dress=_with_names)
    part = request.headers.get("HX-Target", "")
    template = f"{TEMPLATE}#{part}" if part in ("rows", "results") else TEMPLATE
    is_busy = any(instance.is_busy for instance in page.rows)
    context = {
        "filters": filters,
        "page": page,
        "is_busy": is_busy,
        "tags": _tags(page.rows),
        "diagnoses": _diagnoses(page.rows),
        "parts": parts_of_instances(request.user, page.rows),
    }
    return render(request, template, context)


def _with_names(rows: QuerySet[Instance]) -> QuerySet[Instance]:
    return rows.select_related("organization", "owner", "health").only(*SHOWN)


def _diagnoses(rows: list[Instance]) -> dict[UUID, Diagnosis]:
    """Return how those that are watched are doing."""
    watched = [row for row in rows if row.is_active]
    return {row.pk: diagnose(health_of(row), row.organization) for row in watched}


def _tags(rows: list[Instance]) -> dict[UUID, list[str]]:
    """Return the tags of people; Django's prefetch takes several times as long as the query."""
    found: dict[UUID, list[str]] = {row.pk: [] for row in rows}
    if not found:
        return found
    tags = InstanceTag.objects.filter(instance__in=list(found)).order_by("pk")
    for instance, name in tags.values_list("instance", "name"):
        if not name.startswith(OWN_TAG):
            found[instance].append(name)
    return found
