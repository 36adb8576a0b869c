"""Change an instance that exists: each page asks for one change and leads back to the instance."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from instances import access, operations
from instances.access import Action
from instances.forms import SwitchForm
from instances.models import FINAL, Instance
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.trimming import tell_trimmed

NOT_THERE = "It is not on the platform, so there is nothing to change."
OFF = "Its organization is switched off, so nothing is sent for it."


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_disable(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask why the instance shall take no calls, and ask for that."""
    return _switch(request, pk, is_disabling=True)


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_enable(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask why the instance shall take calls again, and ask for that."""
    return _switch(request, pk, is_disabling=False)


def _switch(request: SignedInRequest, pk: UUID, *, is_disabling: bool) -> HttpResponse:
    instance = managed(request, pk)
    if not instance.is_active:
        return turn_away(request, instance)
    form = SwitchForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and attempt(
        request,
        instance,
        form,
        lambda: operations.request_instance_switch(
            requester=request.user,
            instance=instance,
            is_to_be_disabled=is_disabling,
            reason=form.cleaned_data["reason"],
        ),
    ):
        return redirect(instance)
    context = {
        "instance": instance,
        "form": form,
        "is_disabling": is_disabling,
        "disabling": operations.disabling_of(instance),
    }
    status = 422 if form.errors else 200
    return render(request, "instances/instance_switch.html", context, status=status)


def managed(request: SignedInRequest, pk: UUID) -> Instance:
    """
    Return the instance if the person may manage it.

    :raises NotAllowedError: they may not.
    """
    instance = find_instance(request.user, pk)
    access.require(request.user, Action.MANAGE, instance)
    return instance


def turn_away(request: SignedInRequest, instance: Instance) -> HttpResponse:
    """Go back to an instance that cannot be changed now, and say why."""
    messages.info(request, why_not(instance))
    return redirect(instance)


def why_not(instance: Instance) -> str:
    """Say what keeps the instance from being changed: what somebody asked for is under way."""
    open_ones = instance.operations.exclude(state__in=FINAL).select_related("requester")
    busy = open_ones.order_by("-pk").first()
    if busy is None:
        return NOT_THERE
    asked = f"{busy.get_kind_display()}, asked for by {busy.requester.get_username()}"
    return f"One change at a time: “{asked}” is under way. Nothing of yours was sent."


def attempt(
    request: SignedInRequest, instance: Instance, form: Form, wish: Callable[[], object]
) -> bool:
    """Make the wish; False if it could not be made, which the form then says."""
    try:
        wish()
    except operations.NotChangeableError:
        form.add_error(None, why_not(instance))
    except operations.SwitchedOffError:
        form.add_error(None, OFF)
    except operations.NoAddressError as error:
        form.add_error(None, str(error))
    else:
        messages.success(request, "Your change is saved and is sent to the platform now.")
        tell_trimmed(request, form)
    return not form.errors
