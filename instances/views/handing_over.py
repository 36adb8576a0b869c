"""Give an instance another owner."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from instances import access, operations
from instances.forms import HeirForm
from instances.views.detail import frame
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.second_check import privileged


@privileged
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_hand_over(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask who looks after the instance next, then hand it over."""
    instance = find_instance(request.user, pk)
    if not access.may_hand_over(request.user, instance):
        raise access.NotAllowedError("hand over", instance)
    heirs = operations.heirs(instance.organization).exclude(pk=instance.owner_id)
    form = HeirForm(request.POST if request.method == "POST" else None, heirs=heirs)
    if request.method == "POST" and form.is_valid():
        heir = form.cleaned_data["heir"]
        try:
            operations.hand_over_instance(actor=request.user, instance=instance, heir=heir)
        except operations.MayNotInheritError:
            form.say_not()
        else:
            messages.success(request, f"{heir} looks after {instance.name} now.")
            return redirect(instance)
    context = frame(request.user, instance) | {"form": form, "has_heirs": heirs.exists()}
    status = 422 if form.errors else 200
    return render(request, "instances/instance_hand_over.html", context, status=status)
