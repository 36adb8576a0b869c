"""The element token: hidden until asked for, and recorded before it is handed out."""

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from instances import operations, vault, zuora
from instances.access import Action
from instances.models import Instance
from instances.views.detail import frame
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.second_check import fresh_check
from instances.views.seen import seen_by

SECONDS = 60
PLAIN = re.compile(r"[a-z0-9-]{1,40}")
FOREIGN = "This can only be asked for from Elementdesk's own page. Nothing was shown."
REASONS = {
    operations.ReasonNeededError: "Say first why you need it. Nothing was shown.",
    operations.NoTokenError: "There is no token to show.",
    vault.UnreadableError: "The stored token does not open with this server's keys. "
    "An administrator can check them.",
}


@require_safe
def instance_token(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Offer to copy or reveal the token, and show how to use it."""
    instance = find_instance(request.user, pk)
    context = frame(request.user, instance) | {"example": example(instance), "seconds": SECONDS}
    if Action.MANAGE in context["actions"] and instance.is_in_use:
        context["sights"] = seen_by(instance)
    return render(request, "instances/instance_token.html", context)


@fresh_check
@require_POST
@missing_unless_allowed
def token_reveal(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Hand out the token: as JSON to our script, else on a page that closes by itself."""
    instance = find_instance(request.user, pk)
    is_script = request.headers.get("Accept") == "application/json"
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return _refuse(request, instance, FOREIGN, is_script=is_script, status=403)
    is_copied = is_script and request.POST.get("purpose") == "copy"
    try:
        secret = operations.reveal_token(
            actor=request.user,
            instance=instance,
            is_copied=is_copied,
            reason=request.POST.get("reason", ""),
        )
    except tuple(REASONS) as error:
        return _refuse(request, instance, REASONS[type(error)], is_script=is_script, status=409)
    return _answer(request, instance, secret.reveal(), is_script=is_script)


def _answer(
    request: SignedInRequest, instance: Instance, token: str, *, is_script: bool
) -> HttpResponse:
    header = f"User <INSERT_USER_SECRET>, Element {token}"
    answer: dict[str, Any] = {"token": token, "header": header, "seconds": SECONDS}
    if is_script:
        return JsonResponse(answer)
    return render(request, "instances/token_reveal.html", answer | {"instance": instance})


def _refuse(
    request: SignedInRequest, instance: Instance, reason: str, *, is_script: bool, status: int
) -> HttpResponse:
    if is_script:
        return JsonResponse({"error": reason}, status=status)
    messages.error(request, reason)
    return redirect("instances:token", instance.pk)


def example(instance: Instance) -> dict[str, str]:
    """Return the header and a call that use the instance, with placeholders for its secrets."""
    header = "Authorization: User <USER_SECRET>, Element <ELEMENT_TOKEN>"
    url = f"{instance.organization.base_url}/{_path(instance)}"
    return {"header": header, "curl": f"curl -X GET \\\n  -H '{header}' \\\n  '{url}'"}


def _path(instance: Instance) -> str:
    """Return a light read of Zuora's hub; of others, the platform's own ping."""
    if instance.element_key != zuora.ELEMENT_KEY:
        return "ping"
    hub = str(instance.element.get("hub", ""))
    # The text is meant to be pasted into a shell, so the platform's word is taken only if plain.
    return f"hubs/{hub if PLAIN.fullmatch(hub) else 'payment'}/products?pageSize=1"
