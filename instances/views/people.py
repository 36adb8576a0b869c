"""Who belongs to an organization, and who left something behind in it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from instances import operations
from instances.access import Action
from instances.forms import MemberForm
from instances.models import (
    REVEALS,
    AuditEntry,
    Instance,
    InstanceStatus,
    Membership,
    Organization,
    Share,
)
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.second_check import fresh_check_to_post, privileged

# People beside the members who are shown.
MOST = 100


@dataclass(frozen=True)
class Line:
    """One person, and how much is in their name here."""

    user: User
    membership: Membership | None
    instances: int
    shares: int


@privileged
@fresh_check_to_post
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_people(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show who belongs to the organization, to its admins; add somebody who has an account."""
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _add(request, organization, form):
        return redirect("instances:organization_people", organization.pk)
    context = {"organization": organization, "form": form} | lines_of(organization)
    status = 422 if form.errors else 200
    return render(request, "organizations/organization_people.html", context, status=status)


def _add(request: SignedInRequest, organization: Organization, form: MemberForm) -> bool:
    person, role = form.cleaned_data["person"], form.chosen()
    try:
        operations.add_member(actor=request.user, organization=organization, user=person, role=role)
    except operations.MemberAlreadyError:
        form.say_already()
        return False
    messages.success(request, f"{person} belongs to {organization} now ({role.label.lower()}).")
    return True


def lines_of(organization: Organization) -> dict[str, Any]:
    """Return the members, and who else has something here, with how much that is."""
    owned = _counted(
        Instance.objects.filter(organization=organization).exclude(status=InstanceStatus.DELETED),
        "owner",
    )
    given = _counted(
        Share.objects.current().filter(instance__organization=organization), "granted_by"
    )
    rows = organization.memberships.select_related("user").order_by("user__username")
    members = [
        Line(one.user, one, owned.get(one.user_id, 0), given.get(one.user_id, 0)) for one in rows
    ]
    others = known_in(organization).exclude(memberships__organization=organization)
    return {
        "members": members,
        "others": [
            Line(one, None, owned.get(one.pk, 0), given.get(one.pk, 0))
            for one in others.order_by("username")[:MOST]
        ],
    }


def _counted(rows: QuerySet[Any], column: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def known_in(organization: Organization) -> QuerySet[User]:
    """Return who belongs to an organization, owns or shares or was shared something of it, or saw a token."""
    shares = Share.objects.filter(instance__organization=organization)
    seen = AuditEntry.objects.filter(organization_id=organization.pk, action__in=REVEALS)
    return User.objects.filter(
        Q(pk__in=organization.memberships.values("user"))
        | Q(pk__in=Instance.objects.filter(organization=organization).values("owner"))
        | Q(pk__in=shares.values("granted_by"))
        | Q(pk__in=shares.filter(user__isnull=False).values("user"))
        | Q(pk__in=seen.filter(actor__isnull=False).values("actor"))
    )
