"""What waits for a person: requests, findings, and organizations that hold work up."""

from functools import partial

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from instances import prepared, tally
from instances.forms import PagePosition
from instances.models import Finding, Operation
from instances.models.walk import Span, newest
from instances.reach import Reach
from instances.views.activity import NOT_SHOWN
from instances.views.broken import broken_of
from instances.views.exchange import standing_still
from instances.views.finding import SignedInRequest, reach_for
from instances.views.keyset import page_along
from instances.views.standing import standings

FINDINGS_SHOWN = 50
BROKEN_SHOWN = 20
ROTATIONS_SHOWN = 20
MOST_COUNTED = 99


def waiting(request: HttpRequest) -> dict[str, object]:
    """Tell every page how much waits for this person, counted only where it is shown."""
    # A request that is refused before anybody is known, as for a forged host, has no user.
    if not isinstance(getattr(request, "user", None), User):
        return {}
    return {"waiting": SimpleLazyObject(partial(_count, request))}


def _count(request: HttpRequest) -> dict[str, str]:
    """Return what is told of decisions, of all that waits together, and of notifications not read."""
    found = tally.waiting(reach_for(request), most=MOST_COUNTED + 1)
    waits = found.decisions + found.broken + found.halted
    return {
        "decisions": _told(found.decisions),
        "all": _told(waits),
        "unread": _told(found.unread),
    }


def _told(number: int) -> str:
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number or "")


@require_safe
def attention(request: SignedInRequest) -> HttpResponse:
    """Show everything that goes on only when somebody acts, the newest first."""
    reach = reach_for(request)
    mine = list(prepared.read(Reach.organization_rows, reach))
    page = page_along(
        prepared.walks(Reach.waiting, reach),
        PagePosition(request.GET),
        dress=_with_subjects,
        size=20,
    )
    context = {
        "page": page,
        "standings": standings(request.user, page.rows),
        "findings": newest(
            prepared.walks(Reach.findings, reach), Span(FINDINGS_SHOWN), _with_requests
        ),
        "held_up": [one for one in mine if one.is_refused or one.is_paused],
        "halted": standing_still(reach, ROTATIONS_SHOWN),
        "broken": broken_of(reach, BROKEN_SHOWN),
        "now": timezone.now(),
    }
    return render(request, "instances/attention.html", context)


def _with_subjects(rows: QuerySet[Operation]) -> QuerySet[Operation]:
    together = ("instance", "organization", "requester", "finding")
    return rows.select_related(*together).defer(*NOT_SHOWN)


def _with_requests(rows: QuerySet[Finding]) -> QuerySet[Finding]:
    unshown = (f"operation__{name}" for name in NOT_SHOWN)
    return rows.select_related("organization", "operation__instance").defer(*unshown)
