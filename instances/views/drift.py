"""How an organization's instances differ from the platform's list, and what is done about it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from instances import operations
from instances.access import Action
from instances.forms import DriftForm, DriftView, PagePosition
from instances.forms.drift import MISSING, PARTS
from instances.models import (
    Instance,
    Intake,
    ListedInstance,
    Organization,
    Standing,
    Synchronization,
    adoptions_under_way,
)
from instances.operations import DriftChoice, IntakeUnderWayError, NothingOnlyThereError
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.keyset import page_of
from instances.views.second_check import privileged
from instances.views.settling import render_settled

MOST_COUNTED = 1000
OFFERED: dict[str, tuple[DriftChoice, ...]] = {
    Standing.CHANGED: (DriftChoice.ACCEPT, DriftChoice.PUSH, DriftChoice.IGNORE),
    Standing.ONLY_THERE: (DriftChoice.ADOPT, DriftChoice.IGNORE),
    Standing.IGNORED: (DriftChoice.NOTICE,),
}
DONE = {
    DriftChoice.ADOPT: "Adoption has started for {}, owned by {owner}. Each is read first.",
    DriftChoice.ACCEPT: "Their values are taken over for {}.",
    DriftChoice.PUSH: "The platform is asked to become as it is here for {}. Until that is proven it stands "
    "under “Being made as here”.",
    DriftChoice.IGNORE: "Ignored until it changes again: {}.",
    DriftChoice.NOTICE: "Shown again: {}.",
}

CANCELED = "The comparison ends with the page of the list that is being read."
STOPPED = "No more are adopted. What was asked for by now goes on."
NOTHING = "Nothing was done: what was chosen has changed meanwhile, is being changed, or can only be accepted."


@privileged
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_drift(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show one part of the comparison; do what is chosen about some of its lines."""
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    data = request.POST if request.method == "POST" else None
    form = DriftForm(data, organization=organization, actor=request.user)
    if request.method == "POST" and form.is_valid():
        _decide(request, organization, form)
        part = DriftView(request.GET).chosen
        return redirect(f"{reverse('instances:organization_drift', args=[pk])}?show={part}")
    context = _context(request, organization) | {"form": form}
    template = "organizations/organization_drift.html"
    if request.headers.get("HX-Target") != "progress":
        return render(request, template, context, status=422 if form.errors else 200)
    if context["is_busy"]:
        return render(request, f"{template}#progress", context)
    return render_settled(request, template, context)


@privileged
@require_POST
@missing_unless_allowed
def adoption_stop(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Adopt no more than was asked for so far."""
    organization = find_organization(request.user, pk)
    is_stopped = operations.stop_intake(actor=request.user, organization=organization)
    messages.info(request, STOPPED if is_stopped else "Everything was asked for already.")
    return redirect(f"{reverse('instances:organization_drift', args=[pk])}?show=only_there")


@privileged
@require_POST
@missing_unless_allowed
def comparison_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End the comparison that is under way before the list does."""
    organization = find_organization(request.user, pk)
    is_asked = operations.cancel_comparison(actor=request.user, organization=organization)
    messages.info(request, CANCELED if is_asked else "No comparison is under way any more.")
    return redirect("instances:organization_drift", organization.pk)


def _decide(request: SignedInRequest, organization: Organization, form: DriftForm) -> None:
    if form.is_about_all:
        _adopt_all(request, organization, form.cleaned_data["owner"])
        return
    choice, owner = DriftChoice(form.cleaned_data["choice"]), form.cleaned_data["owner"]
    count = operations.decide_listed(
        actor=request.user,
        organization=organization,
        choice=choice,
        rows=list(form.cleaned_data["rows"]),
        owner=owner,
    )
    if count:
        what = "one instance" if count == 1 else f"{count} instances"
        messages.success(request, DONE[choice].format(what, owner=owner))
    else:
        messages.info(request, NOTHING)


def _adopt_all(request: SignedInRequest, organization: Organization, owner: User) -> None:
    try:
        intake = operations.request_intake(
            actor=request.user, organization=organization, owner=owner
        )
    except IntakeUnderWayError:
        messages.info(request, "That is under way already.")
    except NothingOnlyThereError:
        messages.info(request, "There is nothing that is only there.")
    else:
        what = "one instance" if intake.total == 1 else f"{intake.total} instances"
        messages.success(request, DONE[DriftChoice.ADOPT].format(what, owner=owner))


def _context(request: SignedInRequest, organization: Organization) -> dict[str, Any]:
    shown = DriftView(request.GET).chosen
    synchronization = Synchronization.objects.filter(organization=organization).first()
    is_running = synchronization is not None and synchronization.is_running
    intake = Intake.objects.filter(organization=organization).order_by("-pk").first()
    waiting = adoptions_under_way(organization)[:MOST_COUNTED].count()
    adopted = max(0, intake.taken - waiting) if intake else 0
    is_due = organization.audit_due_at <= timezone.now()
    rows = {part: _rows(organization, part) for part in PARTS}
    return {
        "organization": organization,
        "synchronization": synchronization,
        "intake": intake,
        "adopted": adopted,
        "adoption_left": intake.left(adopted) if intake else None,
        "being_read": waiting,
        "is_comparing": is_running or is_due,
        "is_busy": is_running or is_due or waiting > 0 or bool(intake and intake.is_running),
        "show": shown,
        "parts": [(part, words, _count(rows[part])) for part, words in PARTS.items()],
        "page": page_of(rows[shown], PagePosition(request.GET)),
        "choices": OFFERED.get(shown, ()),
    }


def _rows(organization: Organization, part: str) -> QuerySet[Any]:
    if part == MISSING:
        return Instance.objects.filter(organization=organization, missing_since__isnull=False)
    lines = ListedInstance.objects.filter(organization=organization, standing=part)
    return lines.select_related("instance").prefetch_related("instance__tags")


def _count(rows: QuerySet[Any]) -> str:
    counted = rows[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED}+" if counted > MOST_COUNTED else str(counted)
