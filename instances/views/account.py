"""One's own account: about oneself, password, the browsers in which one is signed in."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import operations, single_sign_on
from instances.forms import EmailForm, PasswordForm
from instances.models import ExternalIdentity, Membership, Session, stored_as
from instances.views.finding import SignedInRequest
from instances.views.second_check import own_check, own_check_to_post


def session_row(request: SignedInRequest) -> str:
    """Return the row of the session of the present request."""
    return stored_as(request.session.session_key or "")


@own_check_to_post
@require_http_methods(["GET", "POST"])
def account(request: SignedInRequest) -> HttpResponse:
    """Show who one is here, and let one change one's e-mail address."""
    form = EmailForm(request.POST if request.method == "POST" else None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        operations.change_email(actor=request.user, email=form.cleaned_data["email"])
        messages.success(request, "Your e-mail address is changed.")
        return redirect("instances:account")
    held = Membership.objects.filter(user=request.user).select_related("organization")
    context = {
        "form": form,
        "memberships": held.order_by("organization__name"),
        "provider": settings.OIDC["NAME"] if single_sign_on.is_configured() else "",
        "identities": list(ExternalIdentity.objects.filter(user=request.user)),
    }
    status = 422 if form.errors else 200
    return render(request, "account/account.html", context, status=status)


# Asked before as well, where tries are counted: the old password cannot be guessed in a borrowed browser.
@own_check
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def account_password(request: SignedInRequest) -> HttpResponse:
    """Change one's password, which ends every other session."""
    form = PasswordForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["new_password1"]
        keep = session_row(request)
        operations.change_password(actor=request.user, password=password, keep=keep)
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed. Other browsers are signed out.")
        return redirect("instances:account_password")
    status = 422 if form.errors else 200
    return render(request, "account/password.html", {"form": form}, status=status)


@require_safe
def account_sessions(request: SignedInRequest) -> HttpResponse:
    """Show where one is signed in."""
    context = {
        "sessions": Session.objects.alive().filter(user=request.user).order_by("-seen_at"),
        "here": session_row(request),
        "idle_minutes": round(settings.SIGN_IN["IDLE_SECONDS"] / 60),
    }
    return render(request, "account/sessions.html", context)


@require_POST
def session_end(request: SignedInRequest) -> HttpResponse:
    """Sign one other browser out, or all others; they notice with their next request."""
    row = request.POST.get("session", "")
    here = session_row(request)
    if row and row != here:
        ended = int(operations.end_session(actor=request.user, row=row))
    else:
        ended = 0 if row else operations.end_other_sessions(actor=request.user, keep=here)
    text = {0: "No other browser was signed in there.", 1: "That browser is signed out."}
    messages.info(request, text.get(ended, f"{ended} other browsers are signed out."))
    return redirect("instances:account_sessions")
