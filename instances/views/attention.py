"""What waits for a person: requests, findings, and organizations that hold work up."""

from functools import partial

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from instances import access
from instances.access import Action
from instances.forms import PagePosition
from instances.models import FINAL, Finding, Operation, OperationState
from instances.views.finding import SignedInRequest
from instances.views.keyset import page_of
from instances.views.standing import standings

FINDINGS_SHOWN = 50
MOST_COUNTED = 99


def waiting(request: HttpRequest) -> dict[str, object]:
    """Tell every page how much waits for this person, counted only where it is shown."""
    if not isinstance(request.user, User):
        return {}
    return {"attention_count": SimpleLazyObject(partial(_count, request.user))}


def _count(user: User) -> str:
    findings = _findings(user)
    counted = _requests(user)[: MOST_COUNTED + 1].count() + findings[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED}+" if counted > MOST_COUNTED else str(counted or "")


def _requests(user: User) -> QuerySet[Operation]:
    """Return what stopped until somebody decides, also about what is no instance here."""
    about = Q(instance__in=access.visible_to(user)) | Q(
        finding__in=access.findings_for(user), instance__isnull=True
    )
    return Operation.objects.filter(about, state=OperationState.NEEDS_PERSON)


def _findings(user: User) -> QuerySet[Finding]:
    """Return what waits to be decided about by itself, not as part of its request."""
    settled = Q(operation__isnull=True) | Q(operation__state__in=FINAL)
    return Finding.objects.open().filter(settled, pk__in=access.findings_for(user).values("pk"))


@require_safe
def attention(request: SignedInRequest) -> HttpResponse:
    """Show everything that goes on only when somebody acts, the newest first."""
    user = request.user
    rows = _requests(user).select_related("instance", "organization", "requester", "finding")
    page = page_of(rows.prefetch_related("attempts"), PagePosition(request.GET), size=20)
    findings = _findings(user).select_related("organization", "operation__instance").order_by("-pk")
    mine = access.organizations_for(user, Action.VIEW)
    held_up = [one for one in mine.order_by("name") if one.is_refused or one.is_paused]
    context = {
        "page": page,
        "standings": standings(user, page.rows),
        "findings": findings[:FINDINGS_SHOWN],
        "held_up": held_up,
        "now": timezone.now(),
    }
    return render(request, "instances/attention.html", context)
