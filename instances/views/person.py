"""One person in an organization: role, what is in their name, the tokens they have seen."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import operations
from instances.access import Action
from instances.forms import HeirForm, RoleForm, SightForm
from instances.models import Instance, Membership, Organization
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.people import known_in
from instances.views.second_check import fresh_check, privileged
from instances.views.seen import values_seen

TEMPLATE = "organizations/organization_person.html"
REMOVAL = "organizations/organization_person_remove.html"


@privileged
@require_safe
def organization_person(request: SignedInRequest, pk: UUID, person: int) -> HttpResponse:
    """Show all that an admin settles about one person."""
    organization, user = _find(request, pk, person)
    return _page(request, organization, user)


def _find(request: SignedInRequest, pk: UUID, person: int) -> tuple[Organization, User]:
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    return organization, get_object_or_404(known_in(organization), pk=person)


def _membership(organization: Organization, user: User) -> Membership:
    rows = Membership.objects.select_related("user", "organization")
    return get_object_or_404(rows, organization=organization, user=user)


def _page(
    request: SignedInRequest, organization: Organization, user: User, **forms: Any
) -> HttpResponse:
    member = Membership.objects.filter(organization=organization, user=user).first()
    heirs = operations.heirs(organization).exclude(pk=user.pk)
    context = _about(organization, user) | {
        "membership": member,
        "role_form": RoleForm(initial={"role": member.role} if member else None),
        "heir_form": HeirForm(heirs=heirs),
        **forms,
    }
    status = 422 if any(form.errors for form in forms.values()) else 200
    return render(request, TEMPLATE, context, status=status)


def _about(organization: Organization, user: User) -> dict[str, Any]:
    return {
        "organization": organization,
        "person": user,
        "holdings": operations.holdings_of(user, organization),
        "values": values_seen(user, organization),
        "everywhere": user.teams.filter(organization__isnull=True).order_by("name"),
        "teams": user.teams.filter(organization=organization).order_by("name"),
    }


@fresh_check
@require_POST
@missing_unless_allowed
def person_role(request: SignedInRequest, pk: UUID, person: int) -> HttpResponse:
    """Give a member another role."""
    organization, user = _find(request, pk, person)
    membership = _membership(organization, user)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, organization, user, role_form=form)
    role = form.chosen()
    try:
        operations.change_role(actor=request.user, membership=membership, role=role)
    except operations.LastAdminError:
        form.say_last_admin()
        return _page(request, organization, user, role_form=form)
    messages.success(request, f"{user} is {role.label.lower()} now.")
    return _back(request, organization, user)


def _back(request: SignedInRequest, organization: Organization, user: User) -> HttpResponse:
    """Return to the person; whoever gave up their own role there, to the organizations."""
    if user == request.user:
        return redirect("instances:organizations")
    return redirect("instances:organization_person", organization.pk, user.pk)


@fresh_check
@require_POST
@missing_unless_allowed
def person_hand_over(request: SignedInRequest, pk: UUID, person: int) -> HttpResponse:
    """Put all that is in a person's name into another's."""
    organization, user = _find(request, pk, person)
    form = HeirForm(request.POST, heirs=operations.heirs(organization).exclude(pk=user.pk))
    if not form.is_valid():
        return _page(request, organization, user, heir_form=form)
    heir = form.cleaned_data["heir"]
    try:
        operations.hand_over(actor=request.user, user=user, organization=organization, heir=heir)
    except operations.MayNotInheritError:
        form.say_not()
        return _page(request, organization, user, heir_form=form)
    messages.success(request, f"What was in {user}'s name is in {heir}'s now.")
    return redirect("instances:organization_person", organization.pk, user.pk)


@fresh_check
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def person_remove(request: SignedInRequest, pk: UUID, person: int) -> HttpResponse:
    """Say what letting a member go does, then do it."""
    organization, user = _find(request, pk, person)
    membership = _membership(organization, user)
    form = HeirForm(
        request.POST if request.method == "POST" else None,
        heirs=operations.heirs(organization).exclude(pk=user.pk),
        is_optional=True,
    )
    if request.method == "POST" and form.is_valid() and _remove(request, membership, form):
        return _back(request, organization, user)
    context = _about(organization, user) | {
        "membership": membership,
        "form": form,
        "shared": operations.shares_with(membership).count(),
    }
    return render(request, REMOVAL, context, status=422 if form.errors else 200)


def _remove(request: SignedInRequest, membership: Membership, form: HeirForm) -> bool:
    heir = form.cleaned_data["heir"]
    try:
        operations.remove_member(actor=request.user, membership=membership, heir=heir)
    except operations.LastAdminError:
        form.say_last_admin()
    except operations.MayNotInheritError:
        form.say_not()
    else:
        text = f"{membership.user} does not belong to {membership.organization} any more."
        messages.success(request, text)
    return not form.errors


@privileged
@require_POST
@missing_unless_allowed
def sight_accept(request: SignedInRequest, pk: UUID, person: int, instance: UUID) -> HttpResponse:
    """Leave a token as it is although the person has seen it."""
    organization, user = _find(request, pk, person)
    rows = Instance.objects.select_related("organization").filter(organization=organization)
    row, form = get_object_or_404(rows, pk=instance), SightForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing is changed: say why the token may stay.")
    else:
        operations.accept_sighting(actor=request.user, instance=row, user=user, **form.cleaned_data)
        messages.success(request, f"Accepted that {user} knows the token of {row.name}.")
    return redirect("instances:organization_person", organization.pk, user.pk)
