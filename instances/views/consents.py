"""To a provider that asks for consent, and back from there."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from instances import access, oauth, operations
from instances.access import Action
from instances.forms import ConsentForm
from instances.models import Element, Instance
from instances.operations import Return
from instances.views.finding import (
    SignedInRequest,
    find_instance,
    find_organization,
    missing_unless_allowed,
)

# What the instance's page does not say by itself.
SAID = {
    Return.GIVEN: "You came back from the provider with its consent.",
    Return.FAILED: "The provider reported an error instead of a consent. Nothing was sent; you can "
    "go there again.",
    Return.INCOMPLETE: "The provider sent you back without what proves your consent. Nothing was "
    "sent; you can go there again.",
    Return.USED: "You had come back from the provider before. Nothing was done a second time.",
    Return.LATE: "You came back too late: the request had ended, or its time was over.",
}
# What somebody reads whose return belongs to nothing that they may know.
PAGES = {
    Return.FOREIGN: (
        "This is not the browser that left",
        "You came back in another browser, or are not signed in as the person who left for the "
        "provider. Nothing was done. Come back in the browser in which you began, or sign in here "
        "and begin again from the instance's page.",
    ),
    Return.UNKNOWN: (
        "We do not know this return",
        "No request of this server waits for it: it has ended, was asked for anew, or never was. "
        "Nothing was done. Begin again from the instance's page.",
    ),
}


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def consent_new(request: SignedInRequest, pk: UUID, key: str) -> HttpResponse:
    """Ask for an instance of an element that is allowed at its provider."""
    organization = find_organization(request.user, pk)
    access.require(request.user, Action.CREATE, organization)
    element = get_object_or_404(Element, organization=organization, element_key=key)
    if not oauth.may_ask_consent(element):
        raise Http404
    form = ConsentForm(request.POST if request.method == "POST" else None, element=element)
    if form.is_valid() and (instance := _ask(request, form)):
        return redirect(instance)
    context = {"form": form, "element": element, "callback": oauth.callback_address()}
    status = 422 if form.errors else 200
    return render(request, "instances/consent_new.html", context, status=status)


def _ask(request: SignedInRequest, form: ConsentForm) -> Instance | None:
    try:
        return operations.request_instance(requester=request.user, **form.wish())
    except operations.RequestReusedError as error:
        form.say_reused(error.instance)
    except operations.NoAddressError as error:
        form.add_error(None, str(error))
    return None


@require_GET
def instance_consent(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Lead the person who asked for the instance to the provider's own page."""
    instance = find_instance(request.user, pk)
    try:
        address = operations.leave(
            actor=request.user, instance=instance, session_key=request.session.session_key or ""
        )
    except operations.NotTheirTurnError:
        messages.info(request, "There is no provider to go to now.")
        return redirect(instance)
    return _private(redirect(address))


@login_not_required
@require_GET
def oauth_callback(request: HttpRequest) -> HttpResponse:
    """Take what a provider sends a person back with, and lead away from its address at once."""
    outcome, instance = operations.take_return(
        actor=request.user,
        session_key=request.session.session_key or "",
        told={name: values[0] for name, values in request.GET.lists() if len(values) == 1},
    )
    if instance is None or outcome in PAGES:
        return _private(redirect("instances:oauth_returned", outcome))
    if outcome in SAID:
        messages.info(request, SAID[outcome])
    return _private(redirect(instance))


@login_not_required
@require_safe
def oauth_returned(request: HttpRequest, how: str) -> HttpResponse:
    """Say why a return led to nothing."""
    if how not in PAGES:
        raise Http404
    title, text = PAGES[Return(how)]
    return _private(render(request, "oauth_returned.html", {"title": title, "text": text}))


def _private(response: HttpResponse) -> HttpResponse:
    """Let no address with a code or a state in it reach another site."""
    response["Referrer-Policy"] = "no-referrer"
    return response
