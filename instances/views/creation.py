"""Ask for a new instance, and see the request before it leaves."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from instances import operations, zuora
from instances.forms import InstanceForm, RequestPreview
from instances.forms.cloning import initial_from
from instances.forms.creation import initial_typed
from instances.models import Element, Instance
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.trimming import tell_trimmed

TEMPLATE = "instances/instance_new.html"
NOT_KNOWN = (
    "What {} asks for is not known here: its organization's catalog has to be read first, under "
    "Organizations."
)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_new(request: SignedInRequest) -> HttpResponse:
    """Show the form; record the wish and go where its progress shows."""
    source = named_source(request)
    if source and source.element_key != zuora.ELEMENT_KEY:
        return _other_element(request, source)
    chosen = request.GET.get("organization")
    named = {"organization": chosen} if chosen else {}
    form = InstanceForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        initial=initial_from(source) if source else named,
    )
    if request.method == "POST" and form.is_valid() and (instance := _ask(request, form)):
        started = "Provisioning has started."
        repeated = "This form had been sent before. Nothing new was started: this is its instance."
        messages.info(request, started if instance.is_busy else repeated)
        tell_trimmed(request, form)
        return redirect(instance)
    status = 422 if form.errors else 200
    context = {"form": form, "preview": RequestPreview.of(form), "source": source}
    return render(request, TEMPLATE, context, status=status)


def _ask(request: SignedInRequest, form: InstanceForm) -> Instance | None:
    try:
        return operations.request_instance(requester=request.user, **form.wish())
    except operations.RequestReusedError as error:
        form.say_reused(error.instance)
    except operations.OtherEnvironmentError as error:
        form.environment.say(error)
    return None


@sensitive_post_parameters()
@require_POST
def instance_new_preview(request: SignedInRequest) -> HttpResponse:
    """Show the request as the form stands now; nothing is checked, kept or sent."""
    preview = RequestPreview.of(InstanceForm(request.POST, user=request.user))
    if request.headers.get("HX-Request"):
        return render(request, f"{TEMPLATE}#preview", {"preview": preview})
    form = InstanceForm(user=request.user, initial=initial_typed(request.POST))
    return render(request, TEMPLATE, {"form": form, "preview": preview})


def _other_element(request: SignedInRequest, source: Instance) -> HttpResponse:
    """Go to the form of the element that `source` is of, if the catalog has it."""
    if Element.objects.described(source) is None:
        messages.error(request, NOT_KNOWN.format(source.element_key))
        return redirect(source)
    address = reverse("instances:element_new", args=[source.organization_id, source.element_key])
    return redirect(f"{address}?from={source.pk}")


def named_source(request: SignedInRequest) -> Instance | None:
    """Return the instance that the new one shall be like, if one is named."""
    try:
        source = UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    return find_instance(request.user, source)
