"""Sign in, sign out, one's own account."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from instances.forms import PasswordForm
from instances.views.finding import SignedInRequest

sign_in = LoginView.as_view(template_name="account/sign_in.html", redirect_authenticated_user=True)
sign_out = LogoutView.as_view()


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def account(request: SignedInRequest) -> HttpResponse:
    """Show the account; change its password, which ends every other session."""
    form = PasswordForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        update_session_auth_hash(request, user)
        messages.success(request, "Your password is changed. Other browsers are signed out.")
        return redirect("instances:account")
    return render(request, "account/account.html", {"form": form}, status=_status(form))


def _status(form: PasswordForm) -> int:
    return 422 if form.errors else 200
