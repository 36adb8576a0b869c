"""Sign in and out."""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from instances import operations
from instances.forms import DEVICE_COOKIE, SignInForm
from instances.views.second_check import mark_checked

DEVICE_DAYS = 180
# First match counts: most browsers also claim to be some of the later ones.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrom": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device_of(user_agent: str) -> str:
    """Return in words of ours what a browser calls itself, such as "Firefox on Linux"."""
    browser = next((word for sign, word in BROWSERS.items() if sign in user_agent), "")
    system = next((word for sign, word in SYSTEMS.items() if sign in user_agent), "")
    if not browser:
        plain = re.match(r"[A-Za-z][\w.-]{0,30}", user_agent)
        browser = plain[0] if plain else "Unknown browser"
    return f"{browser} on {system}" if system else browser


def begin_session(request: HttpRequest) -> None:
    """Note in the fresh session of who has just signed in what the list of sessions tells."""
    request.session["device"] = device_of(request.headers.get("User-Agent", ""))
    mark_checked(request)
    request.session["started_at"] = request.session["checked_at"]


def keep_device(answer: HttpResponse, device: str) -> None:
    """Let the browser keep that it signed in, for the pages that count tries only."""
    answer.set_cookie(
        DEVICE_COOKIE,
        device,
        max_age=DEVICE_DAYS * 24 * 3600,
        path=reverse("instances:sign_in"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


class SignIn(LoginView):
    """Django's, with tries counted and recorded."""

    template_name = "account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, and let the browser keep that it did."""
        device = operations.complete_sign_in(form.tried, form.get_user())
        answer = super().form_valid(form)
        begin_session(self.request)
        keep_device(answer, device)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say why not."""
        answer = super().form_invalid(form)
        answer.status_code = 429 if form.is_throttled else 200
        return answer


class SignOut(LogoutView):
    """Django's, recorded."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Record it, then end the session."""
        if isinstance(request.user, User):
            operations.sign_out(request.user)
        return super().post(request, *args, **kwargs)


sign_in = SignIn.as_view()
sign_out = SignOut.as_view()


@login_not_required
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Lead who wants to enter Django admin through the one door; others learn of no admin."""
    if not isinstance(request.user, User):
        wanted = urlencode({"next": request.GET.get("next", reverse("admin:index"))})
        return redirect(f"{reverse('instances:sign_in')}?{wanted}")
    if not request.user.is_staff:
        raise Http404
    return redirect("admin:index")


def admin_password(request: HttpRequest) -> HttpResponse:
    """Lead to the one place where one's password is changed."""
    return redirect("instances:account_password")
