"""Give an instance new credentials; nothing that was typed comes back into a page."""

from functools import partial
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from instances import oauth, operations
from instances.forms import ReauthenticationForm, ReconsentForm
from instances.models import Instance
from instances.views.finding import SignedInRequest, missing_unless_allowed
from instances.views.lifecycle import attempt, managed, turn_away


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_reauthenticate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask for the new credentials, and say of each secret since when it is kept."""
    instance = managed(request, pk)
    if request.method == "GET" and not instance.is_active:
        return turn_away(request, instance)
    data = request.POST if request.method == "POST" else None
    form = ReauthenticationForm(data, instance=instance)
    if form.is_valid() and _ask(request, instance, form):
        return redirect(instance)
    protocol = operations.protocol_for(instance)
    context = {"instance": instance, "form": form, "protocol": protocol}
    status = 422 if form.errors else 200
    return render(request, "instances/instance_reauthenticate.html", context, status=status)


def _ask(request: SignedInRequest, instance: Instance, form: ReauthenticationForm) -> bool:
    wish = partial(
        operations.request_instance_reauthentication,
        requester=request.user,
        instance=instance,
        configuration=form.configuration(),
        heeds_environment=not form.environment.is_confirmed,
    )
    try:
        return attempt(request, instance, form, wish)
    except operations.OtherEnvironmentError as error:
        form.environment.say(error)
        return False


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_reconsent(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask for the application's key and secret; the instance's page then leads to the provider."""
    instance = managed(request, pk)
    if not instance.is_active or not operations.protocol_for(instance):
        return turn_away(request, instance)
    form = ReconsentForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and attempt(
        request,
        instance,
        form,
        lambda: operations.request_instance_reconsent(
            requester=request.user, instance=instance, **form.wish()
        ),
    ):
        return redirect(instance)
    context = {"instance": instance, "form": form, "callback": oauth.callback_address()}
    status = 422 if form.errors else 200
    return render(request, "instances/instance_reconsent.html", context, status=status)
