"""Webhooks of an organization, for its admins: where they are, what was sent, and what came of it."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import access, operations
from instances.access import Action
from instances.forms import PagePosition, WebhookChangeForm, WebhookForm
from instances.models import Delivery, DeliveryTry, Organization, Webhook, WebhookShape
from instances.secret import Secret
from instances.views.finding import (
    SignedInRequest,
    find_one,
    find_organization,
    missing_unless_allowed,
)
from instances.views.keyset import page_of
from instances.views.second_check import fresh_check, privileged

OFF = "It is switched off: switch it on first."


def find_webhook(request: SignedInRequest, pk: UUID) -> Webhook:
    """Return the webhook of an organization that the person administers."""
    mine = access.organizations_for(request.user, Action.ADMINISTER)
    rows = Webhook.objects.filter(organization__in=mine).select_related("organization")
    return find_one(request.user, rows, pk)


@privileged
@require_safe
def webhook_list(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show where messages of an organization go."""
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    context = {"organization": organization, "webhooks": organization.webhooks.order_by("name")}
    return render(request, "organizations/webhook_list.html", context)


@fresh_check
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def webhook_new(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Add one; what it signs with is shown this once."""
    organization = find_organization(request.user, pk, Action.ADMINISTER)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = operations.add_webhook(
                actor=request.user, organization=organization, **form.wish()
            )
        except operations.WebhookNameTakenError:
            form.say_taken()
        else:
            return _with_secret(request, made, secret)
    context = {"organization": organization, "form": form}
    status = 422 if form.errors else 200
    return render(request, "organizations/webhook_new.html", context, status=status)


def _with_secret(request: SignedInRequest, webhook: Webhook, secret: Secret | None) -> HttpResponse:
    if secret is None:
        messages.success(request, f"{webhook} is added. Send a test to see whether it arrives.")
        return redirect(webhook)
    context = {"webhook": webhook, "organization": webhook.organization, "secret": secret.reveal()}
    return render(request, "organizations/webhook_secret.html", context)


@privileged
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def webhook_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show one and what was sent to it; change it."""
    webhook = find_webhook(request, pk)
    form = WebhookChangeForm(request.POST if request.method == "POST" else None, webhook=webhook)
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_webhook(actor=request.user, webhook=webhook, **form.wish())
        except operations.WebhookNameTakenError:
            form.say_taken()
        else:
            messages.success(request, "The changes are saved.")
            return redirect(webhook)
    sent = Delivery.objects.filter(webhook=webhook).prefetch_related(
        Prefetch("log", DeliveryTry.objects.order_by("pk"))
    )
    context = {
        "webhook": webhook,
        "organization": webhook.organization,
        "form": form,
        "page": page_of(sent, PagePosition(request.GET), size=20),
        "is_signed": webhook.shape == WebhookShape.SIGNED,
        "is_overlapping": bool(webhook.previous_until and webhook.previous_until > timezone.now()),
        "is_sending": Delivery.objects.due().filter(webhook=webhook).exists(),
    }
    template = "organizations/webhook_detail.html"
    if request.headers.get("HX-Target") == "deliveries":
        template += "#deliveries"
    return render(request, template, context, status=422 if form.errors else 200)


@fresh_check
@require_POST
@missing_unless_allowed
def webhook_secret(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Make another secret, shown this once; for a day the old one signs too."""
    webhook = find_webhook(request, pk)
    if webhook.shape != WebhookShape.SIGNED:
        return redirect(webhook)
    secret = operations.replace_webhook_secret(actor=request.user, webhook=webhook)
    return _with_secret(request, webhook, secret)


@privileged
@require_POST
@missing_unless_allowed
def webhook_test(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask for a test message."""
    webhook = find_webhook(request, pk)
    try:
        operations.request_webhook_test(actor=request.user, webhook=webhook)
    except operations.WebhookOffError:
        messages.warning(request, OFF)
    return redirect(webhook)


@privileged
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def webhook_remove(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask whether to remove one, then do."""
    webhook = find_webhook(request, pk)
    organization: Organization = webhook.organization
    if request.method == "POST":
        operations.remove_webhook(actor=request.user, webhook=webhook)
        messages.success(request, f"{webhook} is removed.")
        return redirect("instances:webhooks", organization.pk)
    context = {"webhook": webhook, "organization": organization}
    return render(request, "organizations/webhook_remove.html", context)


@privileged
@require_POST
@missing_unless_allowed
def delivery_repeat(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask that a message is sent again."""
    mine = access.organizations_for(request.user, Action.ADMINISTER)
    rows = Delivery.objects.filter(webhook__organization__in=mine)
    delivery = find_one(request.user, rows.select_related("webhook__organization"), pk)
    try:
        operations.request_redelivery(actor=request.user, delivery=delivery)
    except operations.WebhookOffError:
        messages.warning(request, OFF)
    return redirect(delivery.webhook)
