"""Who reveals, or changes rights, secrets or keys, has shown within minutes who they are."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from instances import operations
from instances.assurance import lacks_second_factor
from instances.forms import ConfirmForm
from instances.views.finding import SignedInRequest
from instances.views.proofs import keep_question, place_of, take_question

CHECKED_AT = "checked_at"
SAFE = ("GET", "HEAD", "OPTIONS")
NOT_KEPT = "Nothing was done yet, and what you typed was not kept: please enter it again."
ASKED = "Confirm first that it is you; nothing was shown. The page for that opens now."

NO_FACTOR = "This needs a second factor, and you have none yet. Nothing was shown or changed."

P = ParamSpec("P")
View = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]


def mark_checked(request: HttpRequest) -> None:
    """Note in the session that its person has just shown who they are."""
    request.session[CHECKED_AT] = time.time()


def is_checked(request: HttpRequest) -> bool:
    """Tell whether the person has shown who they are within ELEMENTDESK_CHECK_SECONDS; 0 asks nobody."""
    period = float(settings.SIGN_IN["CHECK_SECONDS"])
    passed = time.time() - float(request.session.get(CHECKED_AT, 0))
    return period <= 0 or 0 <= passed < period


def fresh_check(view: View[P]) -> View[P]:
    """
    Run the view only for who has shown within five minutes who they are; else ask them, then bring them back.

    For a page whose form takes or hands out something precious, so that people are asked *before* they
    type: put it outermost, above `require_POST` and `missing_unless_allowed`. A visit comes back to the
    same address. A POST comes back to the page that it was sent from, and what it carried is not kept
    anywhere: it may be a secret. A script that wants JSON gets 403 with `error` for the person and
    `confirm`, where to go; htmx is sent there. Who must have a second factor, and has none, is led to it.
    """
    return privileged(own_check(view))


def fresh_check_to_post(view: View[P]) -> View[P]:
    """Do as `fresh_check`, for a page that everybody may look at: only what it is sent is guarded."""
    return _to_post(view, fresh_check(view))


def privileged(view: View[P]) -> View[P]:
    """Run the view only for who has a second factor, where one is wanted; lead others to enrolling one."""

    @wraps(view)
    def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if lacks_second_factor(request.user):
            return ask_factor(request)
        return view(request, *args, **kwargs)

    return guarded


def own_check(view: View[P]) -> View[P]:
    """Do as `fresh_check` for a page of one's own account, for which no second factor is wanted."""

    @wraps(view)
    def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not is_checked(request):
            return ask(request)
        return view(request, *args, **kwargs)

    return guarded


def own_check_to_post(view: View[P]) -> View[P]:
    """Do as `own_check`, only for what the page is sent."""
    return _to_post(view, own_check(view))


def _to_post(view: View[P], strict: View[P]) -> View[P]:
    @wraps(view)
    def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        chosen = view if request.method in SAFE else strict
        return chosen(request, *args, **kwargs)

    return guarded


def ask_factor(request: HttpRequest) -> HttpResponse:
    """Lead to the page where one adds a second factor."""
    where = reverse("instances:account_factors")
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"error": NO_FACTOR, "confirm": where}, status=403)
    messages.warning(request, NO_FACTOR)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": where})
    return redirect(where)


def ask(request: HttpRequest) -> HttpResponse:
    """Lead to the page that asks who it is, from there back to what was being done."""
    is_visit, before = request.method in SAFE, _came_from(request)
    back = {"next": request.get_full_path(), "cancel": before} if is_visit else {"next": before}
    where = f"{reverse('instances:confirm')}?{urlencode(back)}"
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"error": ASKED, "confirm": where}, status=403)
    if not is_visit:
        messages.info(request, NOT_KEPT)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": where})
    return redirect(where)


def _came_from(request: HttpRequest) -> str:
    """Return the page of ours from which a form was sent; the start page where nothing tells."""
    parts = urlsplit(request.headers.get("Referer", ""))
    if parts.netloc != request.get_host():
        return reverse("instances:start")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def safe_next(wanted: str) -> str:
    """Return where to go next: an address of this server, or the start page."""
    # Without a host of its own: "//host" and "\\host" lead away, and are no path.
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours and wanted.startswith("/") else reverse("instances:start")


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def confirm(request: SignedInRequest) -> HttpResponse:
    """Ask who it is, then go back to what was being done."""
    where = safe_next(request.GET.get("next", ""))
    place = place_of(request)
    form = ConfirmForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        address=caller(),
        place=place,
        kept=take_question(request) if request.method == "POST" else None,
        device=request.COOKIES.get(settings.SIGN_IN["DEVICE_COOKIE"], ""),
    )
    if request.method == "POST" and form.is_valid():
        # More may be done with it from here on, so whoever knew its id must not know it any more.
        request.session.cycle_key()
        mark_checked(request)
        return redirect(where)
    context = {
        "form": form,
        "cancel": safe_next(request.GET.get("cancel", where)),
        "minutes": max(1, round(settings.SIGN_IN["CHECK_SECONDS"] / 60)),
        "asked": keep_question(request, operations.ask_passkey(user=request.user, place=place)),
    }
    status = (429 if form.is_throttled else 422) if form.errors else 200
    return render(request, "account/confirm.html", context, status=status)


def caller() -> str:
    """Return the address that the present request comes from."""
    return cast("str", structlog.contextvars.get_contextvars().get("address", ""))
