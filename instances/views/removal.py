"""Delete an instance: a page that asks for its name, and the way back while it is counted down."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from instances import operations
from instances.forms.removal import DeletionForm
from instances.models import Instance
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.lifecycle import OFF, managed, turn_away, why_not

NOT_ITS_NAME = "This is not its name. Nothing was deleted."
TOO_LATE = "It is too late to undo it: its deletion has begun, or nobody asked for one."


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_delete(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask for the name of what shall be deleted, and ask for that."""
    instance = managed(request, pk)
    if not instance.is_active or operations.delete_at(instance):
        return turn_away(request, instance)
    form = DeletionForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _ask(request, instance, form):
        return redirect(instance)
    context = {"instance": instance, "form": form, "days": settings.ENGINE["DELETION_DAYS"]}
    status = 422 if form.errors else 200
    return render(request, "instances/instance_delete.html", context, status=status)


def _ask(request: SignedInRequest, instance: Instance, form: DeletionForm) -> bool:
    try:
        operations.request_instance_deletion(
            requester=request.user, instance=instance, **form.cleaned_data
        )
    except operations.NameDiffersError:
        form.add_error("typed_name", NOT_ITS_NAME)
    except operations.NotChangeableError:
        form.add_error(None, why_not(instance))
    except operations.SwitchedOffError:
        form.add_error(None, OFF)
    else:
        messages.success(request, "Your wish is saved. The instance is disabled first.")
    return not form.errors


@require_POST
@missing_unless_allowed
def deletion_undo(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take the deletion back while it is counted down."""
    instance = find_instance(request.user, pk)
    try:
        operations.undo_instance_deletion(actor=request.user, instance=instance)
    except operations.TooLateError:
        messages.error(request, TOO_LATE)
    else:
        messages.success(request, "Its deletion is undone. Nothing was deleted.")
    return redirect(instance)
