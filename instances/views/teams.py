"""Teams of an organization, and who is in them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from instances import operations
from instances.access import Action
from instances.forms import TeamForm, TeammateForm
from instances.models import Organization, Team
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.second_check import fresh_check, privileged

TEMPLATE = "organizations/organization_team.html"


@privileged
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_teams(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show the organization's teams to its admins; make one."""
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        team = _create(request, organization, form)
        if team is not None:
            return redirect("instances:organization_team", organization.pk, team.pk)
    context = {
        "organization": organization,
        "form": form,
        "teams": organization.teams.prefetch_related("members", "shares").order_by("name"),
        "everywhere": Team.objects.filter(organization__isnull=True).order_by("name"),
    }
    status = 422 if form.errors else 200
    return render(request, "organizations/organization_teams.html", context, status=status)


def _create(request: SignedInRequest, organization: Organization, form: TeamForm) -> Team | None:
    try:
        return operations.create_team(
            actor=request.user, organization=organization, **form.cleaned_data
        )
    except operations.TeamNameTakenError:
        form.say_taken()
    return None


def _find(request: SignedInRequest, pk: UUID, team: int) -> tuple[Organization, Team]:
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    rows = organization.teams.select_related("organization")
    return organization, get_object_or_404(rows, pk=team)


@privileged
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_team(request: SignedInRequest, pk: UUID, team: int) -> HttpResponse:
    """Show who is in a team and what is shared with it; rename it."""
    _, row = _find(request, pk, team)
    if request.method != "POST":
        return _page(request, row, TeamForm(initial={"name": row.name}), TeammateForm())
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            operations.rename_team(actor=request.user, team=row, **form.cleaned_data)
        except operations.TeamNameTakenError:
            form.say_taken()
            row.refresh_from_db()
    if form.errors:
        return _page(request, row, form, TeammateForm())
    messages.success(request, "The team is renamed.")
    return redirect("instances:organization_team", pk, team)


def _page(
    request: SignedInRequest, team: Team, form: TeamForm, joining: TeammateForm
) -> HttpResponse:
    members = team.members.order_by("username")
    belong = set(
        members.filter(memberships__organization=team.organization).values_list("pk", flat=True)
    )
    context = {
        "organization": team.organization,
        "team": team,
        "form": form,
        "joining": joining,
        "people": [(person, person.pk in belong) for person in members],
        "shares": team.shares.current().select_related("instance", "granted_by").order_by("-pk"),
    }
    status = 422 if form.errors or joining.errors else 200
    return render(request, TEMPLATE, context, status=status)


@fresh_check
@require_POST
@missing_unless_allowed
def team_join(request: SignedInRequest, pk: UUID, team: int) -> HttpResponse:
    """Put a person into a team."""
    _, row = _find(request, pk, team)
    form = TeammateForm(request.POST)
    if not form.is_valid():
        return _page(request, row, TeamForm(initial={"name": row.name}), form)
    person = form.cleaned_data["person"]
    operations.add_to_team(actor=request.user, team=row, user=person)
    messages.success(request, f"{person} is in {row} now.")
    return redirect("instances:organization_team", pk, team)


@privileged
@require_POST
@missing_unless_allowed
def team_leave(request: SignedInRequest, pk: UUID, team: int, person: int) -> HttpResponse:
    """Take a person out of a team."""
    _, row = _find(request, pk, team)
    user = get_object_or_404(row.members, pk=person)
    operations.remove_from_team(actor=request.user, team=row, user=user)
    messages.success(request, f"{user} is not in {row} any more.")
    return redirect("instances:organization_team", pk, team)


@privileged
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_team_delete(request: SignedInRequest, pk: UUID, team: int) -> HttpResponse:
    """Say what ends with a team, then end it."""
    organization, row = _find(request, pk, team)
    if request.method == "POST":
        operations.delete_team(actor=request.user, team=row)
        messages.success(request, f"The team {row.name} is ended.")
        return redirect("instances:organization_teams", organization.pk)
    context = {"organization": organization, "team": row}
    return render(request, "organizations/organization_team_delete.html", context)
