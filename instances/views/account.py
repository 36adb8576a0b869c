"""Sign in, sign out, one's own account."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from instances import operations
from instances.forms import DEVICE_COOKIE, PasswordForm, SignInForm
from instances.views.finding import SignedInRequest
from instances.views.second_check import mark_checked

DEVICE_DAYS = 180


class SignIn(LoginView):
    """Django's, with tries counted and recorded."""

    template_name = "account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, and let the browser keep that it did."""
        device = operations.complete_sign_in(form.tried, form.get_user())
        answer = super().form_valid(form)
        mark_checked(self.request)
        answer.set_cookie(
            DEVICE_COOKIE,
            device,
            max_age=DEVICE_DAYS * 24 * 3600,
            path=reverse("instances:sign_in"),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
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
    return redirect("instances:account")


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def account(request: SignedInRequest) -> HttpResponse:
    """Show the account; change its password, which ends every other session."""
    form = PasswordForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["new_password1"]
        operations.change_password(actor=request.user, password=password)
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed. Other browsers are signed out.")
        return redirect("instances:account")
    return render(request, "account/account.html", {"form": form}, status=_status(form))


def _status(form: PasswordForm) -> int:
    return 422 if form.errors else 200
