"""To a provider that asks for consent, and back from there."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_safe

from instances import operations
from instances.operations import Return
from instances.views.finding import (
    SignedInRequest,
    find_instance,
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
