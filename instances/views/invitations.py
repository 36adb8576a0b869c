"""Invite people into an organization by a link; follow such a link."""

from email.errors import MessageError
from smtplib import SMTPException
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import access, operations
from instances.forms import InvitationForm, NewAccountForm
from instances.models import Invitation, Organization, Role
from instances.views.finding import SignedInRequest, missing_unless_allowed
from instances.views.second_check import caller, fresh_check
from instances.views.signing_in import finish_sign_in

logger = structlog.get_logger(__name__)

# In the session of who followed a link: what is kept of it, never the link itself.
FOLLOWED = "invitation"
MOST = 200


def _find(user: User, pk: UUID) -> Organization:
    organization = get_object_or_404(Organization, pk=pk)
    if not operations.may_invite(user, organization):
        raise access.NotAllowedError("invite", organization)
    return organization


@fresh_check
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_invitations(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show who was invited; invite one more. The link is sent, or shown once."""
    organization = _find(request.user, pk)
    form = InvitationForm(request.POST if request.method == "POST" else None)
    link = ""
    if request.method == "POST" and form.is_valid():
        email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
        invitation, token = operations.invite(
            actor=request.user, organization=organization, email=email, role=role
        )
        address = request.build_absolute_uri(reverse("instances:invitation"))
        link = f"{address}?{urlencode({'link': token.reveal()})}"
        if _is_sent(invitation, link):
            messages.success(request, f"The invitation is on its way to {email}.")
            return redirect("instances:organization_invitations", organization.pk)
        form = InvitationForm()
    rows = Invitation.objects.filter(organization=organization).select_related("invited_by")
    context = {
        "organization": organization,
        "form": form,
        "link": link,
        "invitations": rows.order_by("-pk")[:MOST],
        "days": operations.INVITATION_DAYS,
    }
    status = 422 if form.errors else 200
    return render(request, "organizations/invitations.html", context, status=status)


def _is_sent(invitation: Invitation, link: str) -> bool:
    """Send the link, if this server sends mail; otherwise, or if that fails, it is shown."""
    if not settings.TELLING["SENDS_MAIL"]:
        return False
    text = (
        f"{invitation.invited_by} invites you to {invitation.organization} on Elementdesk.\n\n"
        f"This link lets you in once, until {invitation.expires_at:%-d %B %Y, %H:%M} UTC:\n\n{link}\n\n"
        "If you do not know what this is, ignore it.\n"
    )
    try:
        send_mail(f"Join {invitation.organization} on Elementdesk", text, None, [invitation.email])
    except (SMTPException, OSError, MessageError) as error:
        logger.warning("invitation not sent", error=type(error).__name__)
        return False
    return True


@fresh_check
@require_POST
@missing_unless_allowed
def invitation_revoke(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Make a link dead."""
    invitation = get_object_or_404(Invitation.objects.select_related("organization"), pk=pk)
    if operations.revoke_invitation(actor=request.user, invitation=invitation):
        messages.success(request, f"The invitation of {invitation.email} is revoked.")
    return redirect("instances:organization_invitations", invitation.organization_id)


@login_not_required
@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """Take the link out of the address at once, so that no history or page keeps it."""
    if link := request.GET.get("link"):
        request.session[FOLLOWED] = operations.digest_of(link)
    return redirect("instances:invitation_accept")


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def invitation_accept(request: HttpRequest) -> HttpResponse:
    """Join with an account of one's own, or make one."""
    try:
        found = operations.find_invitation(request.session.get(FOLLOWED, ""), address=caller())
        if isinstance(request.user, User):
            return _join(request, request.user, found)
        return _make_account(request, found)
    except operations.TooManyTriesError:
        return render(request, "account/invitation_over.html", status=429)
    except operations.InvitationOverError:
        return render(request, "account/invitation_over.html", status=404)


def _join(request: HttpRequest, user: User, found: Invitation) -> HttpResponse:
    if request.method == "POST":
        operations.accept_invitation(actor=user, invitation=found)
        request.session.pop(FOLLOWED)
        messages.success(request, f"You belong to {found.organization} now.")
        return redirect(found.organization)
    return render(request, "account/invitation_join.html", {"invitation": found})


def _make_account(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = NewAccountForm(request.POST if request.method == "POST" else None, email=found.email)
    if request.method == "POST" and form.is_valid():
        typed = {name: form.cleaned_data[name] for name in ("username", "password")}
        try:
            user = operations.accept_as_new(invitation=found, **typed)
        except operations.UserNameTakenError:
            form.say_taken()
        else:
            request.session.pop(FOLLOWED)
            messages.success(request, f"Welcome. You belong to {found.organization}.")
            where = reverse("instances:start")
            return finish_sign_in(request, user, where, how="invitation")
    context = {"invitation": found, "form": form}
    status = 422 if form.errors else 200
    return render(request, "account/invitation_account.html", context, status=status)
