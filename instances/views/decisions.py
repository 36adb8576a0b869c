"""A person decides: how a request goes on, what becomes of a finding, that a request is taken back."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from instances import access, operations
from instances.access import Action
from instances.forms import CancelForm, DecisionForm, FindingForm
from instances.models import CancelWish, Instance, Operation
from instances.operations import FindingChoice
from instances.views.finding import (
    SignedInRequest,
    find_finding,
    find_instance,
    find_operation,
    missing_unless_allowed,
)
from instances.views.standing import standing

TOO_LATE = "There is nothing to take back any more."

DECIDED = "Somebody decided before, or it went on by itself. This is how it stands now."


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def operation_decide(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show what is known about an operation that needs a person, and take the decision."""
    operation = find_operation(request.user, pk)
    access.require_deciding(request.user, operation)
    shown = standing(request.user, operation)
    about = operation.subject
    if not shown.choices:
        messages.info(request, DECIDED)
        return redirect(about)
    form = DecisionForm(
        request.POST if request.method == "POST" else None,
        choices=shown.choices,
        candidates=shown.candidates,
        is_sent=bool(shown.sent) and operation.kind in operations.CREATIONS,
        chosen=request.GET.get("choice", ""),
    )
    if form.is_valid():
        try:
            operations.decide(actor=request.user, operation=operation, **form.decision())
        except operations.ChoiceError as error:
            form.add_error(None, str(error))
        except operations.NotWaitingError:
            messages.info(request, DECIDED)
            return redirect(about)
        else:
            messages.success(request, "Your decision is recorded, and it goes on from there.")
            return redirect(about)
    context = {"operation": operation, "standing": shown, "form": form, "about": about}
    status = 422 if form.errors else 200
    return render(request, "instances/operation_decide.html", context, status=status)


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def finding_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show something found on the platform, and take the decision about it."""
    finding = find_finding(request.user, pk)
    choices = operations.finding_choices(finding)
    if not access.can(request.user, Action.CREATE, finding.organization):
        choices = tuple(choice for choice in choices if choice != FindingChoice.ADOPT)
    form = FindingForm(
        request.POST if request.method == "POST" else None, finding=finding, choices=choices
    )
    if request.method == "POST" and not choices:
        messages.info(request, DECIDED)
        return redirect(finding)
    if form.is_valid():
        try:
            made = operations.decide_finding(actor=request.user, finding=finding, **form.decision())
        except operations.ChoiceError as error:
            form.add_error(None, str(error))
        except operations.NotWaitingError:
            messages.info(request, DECIDED)
            return redirect(finding)
        else:
            messages.success(request, "Your decision is recorded.")
            return redirect(made or finding)
    context = {
        "finding": finding,
        "form": form,
        "choices": choices,
        "deletion": finding.operations.filter(kind="delete").order_by("-pk").first(),
    }
    status = 422 if form.errors else 200
    return render(request, "instances/finding_detail.html", context, status=status)


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask what shall happen if the request was carried out after all, then take it back."""
    instance = find_instance(request.user, pk)
    access.require(request.user, Action.MANAGE, instance)
    operation = instance.operations.order_by("-pk").first()
    if operation is None or not operations.may_be_canceled(operation):
        messages.info(request, TOO_LATE)
        return redirect(instance)
    form = CancelForm(request.POST if request.method == "POST" else None, operation=operation)
    if form.is_valid():
        _take_back(request, instance, operation, CancelWish(form.cleaned_data["wish"]))
        return redirect(instance)
    context = {"instance": instance, "operation": operation, "form": form}
    status = 422 if form.errors else 200
    return render(request, "instances/instance_cancel.html", context, status=status)


def _take_back(
    request: SignedInRequest, instance: Instance, operation: Operation, wish: CancelWish
) -> None:
    try:
        is_canceled = operations.request_cancel(actor=request.user, instance=instance, wish=wish)
    except operations.TooLateToCancelError:
        messages.info(request, TOO_LATE)
        return
    if is_canceled:
        done = "changed" if operation.is_change else "created"
        messages.success(request, f"Canceled. Nothing was {done}.")
    else:
        messages.info(
            request, "Taken back as far as possible: we find out first what was already sent."
        )
