"""Leave for the sign-in provider, come back, connect one's account with it."""

import time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from instances import operations, single_sign_on
from instances.models import ExternalIdentity
from instances.single_sign_on import Person, ProviderError
from instances.views.finding import SignedInRequest
from instances.views.second_check import own_check, safe_next
from instances.views.signing_in import go_on

# In the session of who is away at the provider, for ten minutes.
AWAY, AWAY_SECONDS = "away", 600
NO_ANSWER = "The provider's answer could not be used. Try again; if that does not help, tell an administrator."
NOT_AWAY = "This sign-in was not begun in this browser, or it took too long. Try again."
REFUSED = "The provider did not sign you in."


def _callback(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("instances:sso_return"))


def _leave(request: HttpRequest, **kept: Any) -> str:
    """
    Note in the session who left for what; return the provider's address.

    :raises Http404: there is no provider.
    """
    if not single_sign_on.is_configured():
        raise Http404
    leaving = single_sign_on.leave(callback=_callback(request))
    request.session[AWAY] = {"kept": leaving.kept, "at": time.time(), **kept}
    return leaving.address


@login_not_required
@require_safe
def sso_leave(request: HttpRequest) -> HttpResponse:
    """Send somebody to the provider to sign in."""
    where = safe_next(request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(where)
    try:
        return redirect(_leave(request, next=where))
    except ProviderError:
        messages.error(request, NO_ANSWER)
        return redirect("instances:sign_in")


@own_check
@require_POST
def sso_connect(request: SignedInRequest) -> HttpResponse:
    """Offer the way to the provider: as a link, since a form may not lead to another server here."""
    try:
        address = _leave(request, user=request.user.pk)
    except ProviderError:
        messages.error(request, NO_ANSWER)
        return redirect("instances:account")
    context = {"address": address, "provider": settings.OIDC["NAME"]}
    return render(request, "account/sso_connect.html", context)


@login_not_required
@require_safe
def sso_return(request: HttpRequest) -> HttpResponse:
    """Take who comes back from the provider: sign them in, or connect their account."""
    away = request.session.pop(AWAY, None)
    is_connecting = away is not None and "user" in away
    back = "instances:account" if is_connecting else "instances:sign_in"
    if away is None or not 0 <= time.time() - away["at"] < AWAY_SECONDS:
        return _say(request, NOT_AWAY, back)
    if "code" not in request.GET:
        return _say(request, REFUSED, back)
    try:
        person = single_sign_on.come_back(
            kept=away["kept"],
            state=request.GET.get("state", ""),
            code=request.GET["code"],
            callback=_callback(request),
        )
        return _connect(request, person, away) if is_connecting else _enter(request, person, away)
    except ProviderError:
        return _say(request, NO_ANSWER, back)
    except operations.NotAdmittedError as error:
        return _say(request, str(error), back)


def _say(request: HttpRequest, text: str, where: str) -> HttpResponse:
    messages.error(request, text)
    return redirect(where)


def _enter(request: HttpRequest, person: Person, away: dict[str, Any]) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(away["next"])
    user = operations.sign_in_by_provider(person=person, makes_people=settings.OIDC["MAKES_PEOPLE"])
    return go_on(request, user, away["next"], how="single sign-on")


def _connect(request: HttpRequest, person: Person, away: dict[str, Any]) -> HttpResponse:
    if not isinstance(request.user, User) or request.user.pk != away["user"]:
        return _say(request, NOT_AWAY, "instances:sign_in")
    try:
        operations.connect_identity(actor=request.user, person=person)
    except operations.ConnectedElsewhereError:
        return _say(
            request, "Another account here is connected with that one.", "instances:account"
        )
    messages.success(request, f"Your account is connected with {settings.OIDC['NAME']}.")
    return redirect("instances:account")


@own_check
@require_POST
def sso_disconnect(request: SignedInRequest) -> HttpResponse:
    """Take a connection away, unless one could not sign in any more then."""
    rows = ExternalIdentity.objects.filter(user=request.user)
    chosen = request.POST.get("identity", "")
    identity = get_object_or_404(rows, pk=chosen if chosen.isdecimal() else 0)
    if not request.user.has_usable_password() and rows.count() == 1:
        return _say(request, "It is the only way you sign in by.", "instances:account")
    operations.disconnect_identity(actor=request.user, identity=identity)
    messages.success(request, "The connection is removed.")
    return redirect("instances:account")
