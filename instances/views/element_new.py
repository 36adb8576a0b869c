"""Ask for an instance of any element of an organization's catalog."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import access, oauth, operations, zuora
from instances.access import Action
from instances.forms import ElementForm, RequestPreview
from instances.forms.cloning import initial_of
from instances.models import Element, Instance
from instances.views.creation import named_source
from instances.views.finding import SignedInRequest, find_organization, missing_unless_allowed
from instances.views.trimming import tell_trimmed

TEMPLATE = "instances/instance_new_element.html"
# Names are for reading: whoever has more of them searches.
MOST_SHOWN = 100


@require_safe
def element_choose(request: SignedInRequest) -> HttpResponse:
    """List what an instance can be made of, in an organization where the person may make one."""
    organizations = access.organizations_for(request.user, Action.CREATE).filter(is_active=True)
    offered = list(organizations.order_by("name"))
    asked = request.GET.get("organization", "")
    named = [one for one in offered if str(one.pk) == asked]
    organization = next(iter(named or offered), None)
    sought = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = list(Element.objects.offered(organization, sought)[: MOST_SHOWN + 1])
    context = {
        "organizations": offered,
        "organization": organization,
        "sought": sought,
        "elements": found[:MOST_SHOWN],
        "has_more": len(found) > MOST_SHOWN,
    }
    return render(request, "instances/element_choose.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def element_new(request: SignedInRequest, pk: UUID, key: str) -> HttpResponse:
    """Show the form that the catalog describes; record the wish and go where its progress shows."""
    element = _element(request, pk, key)
    if key == zuora.ELEMENT_KEY:
        return redirect(f"{reverse('instances:new')}?organization={pk}")
    source = named_source(request)
    data = request.POST if request.method == "POST" else None
    initial = initial_of(source, element) if source and source.element_key == key else {}
    form = ElementForm(data, element=element, initial=initial)
    if form.is_valid() and (instance := _ask(request, form)):
        started = "Provisioning has started."
        repeated = "This form had been sent before. Nothing new was started: this is its instance."
        messages.info(request, started if instance.is_busy else repeated)
        tell_trimmed(request, form)
        return redirect(instance)
    context = _context(form) | {"source": source if initial else None}
    return render(request, TEMPLATE, context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@require_POST
@missing_unless_allowed
def element_new_preview(request: SignedInRequest, pk: UUID, key: str) -> HttpResponse:
    """Show the request as the form stands now; nothing is checked, kept or sent."""
    form = ElementForm(request.POST, element=_element(request, pk, key))
    return render(request, f"{TEMPLATE}#preview", _context(form))


def _element(request: SignedInRequest, pk: UUID, key: str) -> Element:
    organization = find_organization(request.user, pk)
    access.require(request.user, Action.CREATE, organization)
    known = Element.objects.select_related("organization").filter(settings__isnull=False)
    return get_object_or_404(
        known, organization=organization, organization__is_active=True, element_key=key
    )


def _context(form: ElementForm) -> dict[str, object]:
    callback = oauth.callback_address() if form.may_ask_consent else ""
    return {
        "form": form,
        "element": form.element,
        "callback": callback,
        "preview": RequestPreview.of_element(form),
    }


def _ask(request: SignedInRequest, form: ElementForm) -> Instance | None:
    try:
        return operations.request_instance(requester=request.user, **form.wish())
    except operations.RequestReusedError as error:
        form.say_reused(error.instance)
    except (operations.NoAddressError, operations.MissingEntriesError) as error:
        form.add_error(None, str(error))
    return None
