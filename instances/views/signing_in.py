"""Sign in and out."""

import re
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from instances import operations, single_sign_on
from instances.assurance import has_second_factor
from instances.forms import ProofForm, SignInForm
from instances.views.proofs import keep_question, place_of, take_question
from instances.views.second_check import caller, mark_checked

DEVICE_DAYS = 180
# In the session of who has shown a password and not yet a second factor; they are not signed in.
HALFWAY, HALFWAY_SECONDS = "halfway", 600
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
        settings.SIGN_IN["DEVICE_COOKIE"],
        device,
        max_age=DEVICE_DAYS * 24 * 3600,
        path=reverse("instances:sign_in"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def finish_sign_in(request: HttpRequest, user: User, where: str, *, how: str) -> HttpResponse:
    """Begin the session of who has shown all that is asked of them, and lead them on."""
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    begin_session(request)
    answer = redirect(where)
    keep_device(answer, operations.complete_sign_in(user, how=how))
    return answer


def go_on(request: HttpRequest, user: User, where: str, *, how: str) -> HttpResponse:
    """Sign in who has shown one thing, or ask for the second factor of who has one."""
    if has_second_factor(user):
        kept = {"user": user.pk, "at": time.time(), "next": where, "how": how}
        request.session[HALFWAY] = kept
        return redirect("instances:second_step")
    return finish_sign_in(request, user, where, how=how)


class SignIn(LoginView):
    """Django's, with tries counted and recorded."""

    template_name = "account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, or ask for the second factor of who has one."""
        operations.pass_password(form.tried)
        return go_on(self.request, form.get_user(), self.get_success_url(), how="password")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the other way in, where there is one."""
        provider = settings.OIDC["NAME"] if single_sign_on.is_configured() else ""
        return super().get_context_data(**kwargs) | {"provider": provider}

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
        answer = super().post(request, *args, **kwargs)
        # What is kept of pages for going back, too; not cookies: the device stays known.
        answer["Clear-Site-Data"] = '"cache"'
        return answer


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for a code or a passkey of who has shown their password just now."""
    user = _halfway(request)
    if user is None:
        return redirect("instances:sign_in")
    place = place_of(request)
    form = ProofForm(
        request.POST if request.method == "POST" else None,
        user=user,
        address=caller(),
        place=place,
        kept=take_question(request) if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        kept = request.session.pop(HALFWAY)
        return finish_sign_in(request, user, kept["next"], how=f"{kept['how']} and {form.how}")
    asked = keep_question(request, operations.ask_passkey(user=user, place=place))
    context = {"form": form, "asked": asked}
    status = (429 if form.is_throttled else 422) if form.errors else 200
    return render(request, "account/second_step.html", context, status=status)


def _halfway(request: HttpRequest) -> User | None:
    """Return who has shown a password in this browser within ten minutes, and is not signed in yet."""
    kept = request.session.get(HALFWAY)
    if kept is None or not 0 <= time.time() - kept["at"] < HALFWAY_SECONDS:
        return None
    return User.objects.filter(pk=kept["user"], is_active=True).first()


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
