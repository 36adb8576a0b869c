"""Keys of programs: one's own, and for admins those of their organization."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from instances import access, operations
from instances.access import Action
from instances.forms.api_keys import ApiKeyForm, KeyRotationForm
from instances.models import ApiKey
from instances.secret import Secret
from instances.views.finding import (
    SignedInRequest,
    find_one,
    find_organization,
    missing_unless_allowed,
)
from instances.views.second_check import fresh_check, privileged

MADE = "This form was sent before. Its key was shown then; it cannot be shown again."
OVER = "This key is over, or has a successor already."
SHOWN = 200


@require_safe
def keys(request: SignedInRequest) -> HttpResponse:
    """Show the person's own keys, newest first."""
    rows = ApiKey.objects.filter(owner=request.user)
    return render(request, "account/keys.html", _listed(rows))


@privileged
@require_safe
@missing_unless_allowed
def organization_keys(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show every key of an organization to its admins."""
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    rows = ApiKey.objects.filter(organization=organization)
    context = _listed(rows) | {"organization": organization}
    return render(request, "organizations/organization_keys.html", context)


def _listed(rows: QuerySet[ApiKey]) -> dict[str, object]:
    shown = rows.select_related("organization", "owner", "revoked_by", "replaces", "successor")
    return {"keys": shown.order_by("-pk")[:SHOWN], "now": timezone.now()}


@fresh_check
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def key_new(request: SignedInRequest) -> HttpResponse:
    """Ask what the key shall do, make it, and show it once."""
    form = ApiKeyForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            made, text = operations.make_api_key(actor=request.user, **form.wish())
        except operations.KeyMadeError:
            messages.error(request, MADE)
            return redirect("instances:keys")
        return _show_once(request, made, text)
    status = 422 if form.errors else 200
    return render(request, "account/key_new.html", {"form": form}, status=status)


@fresh_check
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def key_rotate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Make a successor of one's own key, which works beside it for a while, and show it once."""
    key = find_one(request.user, _known(request).filter(owner=request.user), pk, "rotate")
    form = KeyRotationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made, text = operations.rotate_api_key(actor=request.user, key=key, **form.wish())
        except (operations.KeyMadeError, operations.KeyOverError) as error:
            is_repeated = isinstance(error, operations.KeyMadeError)
            messages.error(request, MADE if is_repeated else OVER)
            return redirect("instances:keys")
        return _show_once(request, made, text)
    status = 422 if form.errors else 200
    return render(request, "account/key_rotate.html", {"form": form, "key": key}, status=status)


def _show_once(request: SignedInRequest, key: ApiKey, text: Secret) -> HttpResponse:
    header = f"Authorization: Bearer {text.reveal()}"
    context = {"key": key, "header": header, "address": request.build_absolute_uri("/api/v1/")}
    return render(request, "account/key_made.html", context)


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def key_revoke(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask whether to end a key, then end it at once."""
    key = find_one(request.user, _known(request), pk, "revoke")
    is_own = key.owner_id == request.user.pk
    back = reverse("instances:keys")
    if not is_own:
        back = reverse("instances:organization_keys", args=[key.organization_id])
    if request.method == "POST":
        try:
            operations.revoke_api_key(actor=request.user, key=key)
        except operations.KeyOverError:
            messages.info(request, "Somebody revoked it before.")
        else:
            messages.success(request, f"{key.name} is revoked: nothing comes in with it any more.")
        return redirect(back)
    context = {"key": key, "is_own": is_own, "back": back}
    return render(request, "account/key_revoke.html", context)


def _known(request: SignedInRequest) -> QuerySet[ApiKey]:
    """Return the keys that the person may end: their own, and those of organizations they administer."""
    administered = access.organizations_for(request.user, Action.ADMINISTER)
    rows = ApiKey.objects.filter(Q(owner=request.user) | Q(organization__in=administered))
    return rows.select_related("organization", "owner")
