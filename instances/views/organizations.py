"""Organizations: where the platform is, which secrets open it, who belongs."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import access, hosts, operations
from instances.access import Action
from instances.forms import OrganizationForm
from instances.models import Candidate, Organization
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.second_check import fresh_check, fresh_check_to_post, privileged

TEMPLATE = "organizations/organization_detail.html"
# For so long the page says that the secrets were replaced.
FRESH = timedelta(minutes=10)


@require_safe
def organization_list(request: SignedInRequest) -> HttpResponse:
    """Show the organizations that the person belongs to."""
    rows = access.organizations_for(request.user, Action.VIEW).order_by("name")
    context = {
        "organizations": rows.prefetch_related("memberships"),
        "may_create": access.may_create_organizations(request.user),
    }
    return render(request, "organizations/organization_list.html", context)


@fresh_check
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_new(request: SignedInRequest) -> HttpResponse:
    """Add an organization; whoever adds it becomes its admin."""
    if not access.may_create_organizations(request.user):
        raise access.NotAllowedError("create organization")
    form = OrganizationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        organization = _create(request, form)
        if organization is not None:
            messages.success(request, f"{organization} is added. Its secrets are sealed.")
            return redirect(organization)
    context = {"form": form, "presets": hosts.PRESETS}
    status = 422 if form.errors else 200
    return render(request, "organizations/organization_new.html", context, status=status)


def _create(request: SignedInRequest, form: OrganizationForm) -> Organization | None:
    try:
        return operations.create_organization(actor=request.user, **form.changes())
    except operations.SecretsNeededError:
        form.ask_for_secrets()
    except operations.NameTakenError:
        form.say_taken()
    return None


@fresh_check_to_post
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def organization_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show an organization to its members; let its admins change it."""
    organization = find_organization(request.user, pk)
    form = OrganizationForm(
        request.POST if request.method == "POST" else None, organization=organization
    )
    if request.method == "POST":
        access.require(request.user, Action.ADMINISTER, organization)
        if form.is_valid() and _change(request, form, organization):
            messages.success(request, _saved(form))
            return redirect(organization)
    context = {
        "organization": organization,
        "form": form,
        "presets": hosts.PRESETS,
        "members": organization.memberships.select_related("user").order_by("user__username"),
        "can_administer": access.can(request.user, Action.ADMINISTER, organization),
        "can_create": access.can(request.user, Action.CREATE, organization),
        "open_findings": organization.findings.open()[:100].count(),
        "candidate": Candidate.objects.filter(pk=organization.pk)
        .select_related("asked_by")
        .first(),
        "is_fresh": timezone.now() - organization.secrets_set_at < FRESH,
    }
    part = request.headers.get("HX-Target", "")
    template = TEMPLATE + (f"#{part}" if part in ("secrets", "account") else "")
    return render(request, template, context, status=422 if form.errors else 200)


def _saved(form: OrganizationForm) -> str:
    if form.changes()["secrets"].is_complete:
        return "The changes are saved. The new secrets are checked before they are used."
    return "The changes are saved."


def _change(request: SignedInRequest, form: OrganizationForm, organization: Organization) -> bool:
    try:
        operations.change_organization(
            actor=request.user, organization=organization, **form.changes()
        )
    except operations.SecretsNeededError:
        form.ask_for_secrets()
    except operations.NameTakenError:
        form.say_taken()
    return not form.errors


@require_POST
@missing_unless_allowed
def organization_probe(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask now, instead of at the next time, whether the platform answers again."""
    organization = find_organization(request.user, pk)
    if operations.request_probe(actor=request.user, organization=organization):
        messages.info(request, "We ask the platform within a few seconds whether it answers.")
    else:
        messages.info(request, "Calls are not paused any more.")
    return redirect(organization)


@privileged
@require_POST
@missing_unless_allowed
def organization_search(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Compare the account with what is known here, and search it for our tag, now."""
    organization = find_organization(request.user, pk)
    operations.request_audit(actor=request.user, organization=organization)
    messages.info(request, "We search the account now. What is found needs your attention then.")
    return redirect("instances:organization_drift", organization.pk)


@require_POST
@missing_unless_allowed
def organization_verify(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask the platform now whether it accepts the secrets, and whose they are."""
    organization = find_organization(request.user, pk)
    operations.request_verification(actor=request.user, organization=organization)
    return redirect(organization)


@fresh_check
@require_POST
@missing_unless_allowed
def secrets_confirm(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Use new secrets although they open another account."""
    organization = find_organization(request.user, pk)
    account = request.POST.get("account", "")[:400]
    try:
        operations.confirm_secrets(actor=request.user, organization=organization, account=account)
    except operations.NothingToConfirmError:
        messages.warning(request, "This has changed meanwhile. Look at it again.")
    return redirect(organization)


@privileged
@require_POST
@missing_unless_allowed
def secrets_discard(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Erase new secrets that are not used."""
    organization = find_organization(request.user, pk)
    if operations.discard_secrets(actor=request.user, organization=organization):
        messages.info(request, "The new secrets are erased.")
    return redirect(organization)
