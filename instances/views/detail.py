"""One instance: what is known of it, how that came about, and what can be done."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from instances import access, operations, rights
from instances.access import Action
from instances.models import Attempt, Consent, Evidence, Instance, Operation, OperationState
from instances.tags import is_ours, without_ours
from instances.views import diagnosis
from instances.views.exchange import exchange
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.progress import last_sent, pace, steps
from instances.views.settling import render_settled
from instances.views.standing import standing
from instances.views.timeline import is_stale, timeline_page


def frame(user: User, instance: Instance) -> dict[str, Any]:
    """Return what the head of each of its pages shows."""
    actions = access.allowed_actions(user, instance)
    in_organization = access.actions_in(user, instance.organization)
    return {
        "instance": instance,
        "actions": actions,
        "drift": operations.line_of(instance) if Action.MANAGE in actions else None,
        "can_create": Action.CREATE in in_organization,
        "is_member": Action.VIEW in in_organization,
        "why": rights.why(user, instance),
        "diagnosis": diagnosis.of_instance(instance),
        "delete_at": operations.delete_at(instance),
        "exchange": exchange(user, instance),
    }


@require_safe
def instance_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show state, next step and facts; asked by htmx, only the state."""
    instance = find_instance(request.user, pk)
    context = frame(request.user, instance) | _standing(request.user, instance)
    context |= _tags(instance, context["operation"])
    template = "instances/instance_detail.html"
    if request.headers.get("HX-Target") == "rotation":
        return _rotation(request, template, context)
    if request.headers.get("HX-Target") != "state":
        return render(request, template, context)
    if not context["pace"]:
        return render_settled(request, template, context)
    return render(request, f"{template}#state", context)


def _rotation(request: SignedInRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Show how its rotation stands, or the whole page once that stands still."""
    if context["exchange"] and context["exchange"].pace:
        return render(request, f"{template}#rotation", context)
    return render_settled(request, template, context)


def _standing(user: User, instance: Instance) -> dict[str, Any]:
    operation = _operation(instance)
    shown = standing(user, operation) if operation else None
    attempts = shown.attempts if shown else []
    return {
        "operation": operation,
        "standing": shown,
        "consent": _consent(operation),
        "can_cancel": operation is not None
        and operations.may_be_canceled(operation)
        and access.can(user, Action.MANAGE, instance),
        "disabling": operations.disabling_of(instance),
        "is_settled": _is_settled(instance, operation),
        "now": timezone.now(),
        "sent": last_sent(attempts),
        "steps": steps(operation, attempts) if operation else [],
        "pace": pace(instance, operation),
    }


def _consent(operation: Operation | None) -> Consent | None:
    """Return the consent that it needs at the provider, if any."""
    needs_one = operation is not None and operation.payload.get("consent")
    return Consent.objects.filter(pk=operation.pk).first() if operation and needs_one else None


def _is_settled(instance: Instance, operation: Operation | None) -> bool:
    """Tell whether there is nothing to say about the state but the state itself."""
    has_ended_well = operation is None or (
        operation.state == OperationState.SUCCEEDED and not operation.problem
    )
    return instance.is_active and not instance.is_disabled and has_ended_well


def _operation(instance: Instance) -> Operation | None:
    return instance.operations.select_related("requester", "organization").order_by("-pk").first()


def _tags(instance: Instance, operation: Operation | None) -> dict[str, list[str]]:
    names = instance.tag_names
    own = [name for name in names if is_ours(name)]
    if not own and operation is not None and operation.kind in operations.CREATIONS:
        own = [operation.tag]
    return {"tags": without_ours(names), "own_tags": own}


@require_safe
def instance_configuration(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show the configuration as the platform returned it, masks in place of secrets."""
    instance = find_instance(request.user, pk)
    entries = sorted(instance.configuration.items())
    context = frame(request.user, instance) | {"entries": entries}
    return render(request, "instances/instance_configuration.html", context)


@require_safe
def instance_activity(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show every request, what was seen on the platform, and who did what."""
    instance = find_instance(request.user, pk)
    context = frame(request.user, instance) | timeline_page(request.GET, instance)
    context["is_stale"] = is_stale(context["diagnosis"] and context["diagnosis"].health)
    if request.headers.get("HX-Target") == "timeline":
        return render(request, "instances/instance_activity.html#timeline", context)
    context |= {
        **_standing(request.user, instance),
        "attempts": Attempt.objects.filter(operation__instance=instance)
        .select_related("operation")
        .order_by("-operation", "-number"),
        "evidence": Evidence.objects.filter(attempt__operation__instance=instance).order_by(
            "-seen_at"
        ),
    }
    return render(request, "instances/instance_activity.html", context)


@require_POST
@missing_unless_allowed
def instance_look(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Look for a lost answer now instead of at the next time."""
    instance = find_instance(request.user, pk)
    if operations.request_look(actor=request.user, instance=instance):
        messages.info(request, "We are looking on the platform now.")
    else:
        messages.info(request, "There is nothing to look for any more.")
    return redirect(instance)


@require_POST
@missing_unless_allowed
def log_read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Have a worker read what the platform wrote down about it; the page asks again until it has."""
    instance = find_instance(request.user, pk)
    operations.request_log(actor=request.user, instance=instance)
    return redirect("instances:instance_activity", instance.pk)
