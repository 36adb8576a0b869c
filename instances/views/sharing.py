"""Share an instance with teammates, and end that."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from instances import access, operations
from instances.access import Action
from instances.forms import ShareForm
from instances.models import Instance
from instances.views.detail import frame
from instances.views.finding import (
    SignedInRequest,
    find_instance,
    find_share,
    missing_unless_allowed,
)


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_sharing(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show with whom the instance is shared; share it with one more."""
    instance = find_instance(request.user, pk)
    data = request.POST if request.method == "POST" else None
    form = ShareForm(data, actor=request.user, instance=instance)
    if request.method == "POST":
        access.require(request.user, Action.MANAGE, instance)
        if form.is_valid() and _share(request, instance, form):
            return redirect("instances:sharing", instance.pk)
    shares = instance.shares.select_related("user", "team", "granted_by").order_by("-pk")
    context = frame(request.user, instance) | {
        "form": form,
        "shares": shares,
        "now": timezone.now(),
        "may_hand_over": access.may_hand_over(request.user, instance),
    }
    status = 422 if form.errors else 200
    return render(request, "instances/instance_sharing.html", context, status=status)


def _share(request: SignedInRequest, instance: Instance, form: ShareForm) -> bool:
    try:
        share = operations.share_instance(actor=request.user, instance=instance, **form.wish())
    except operations.NotTheirShareError:
        form.say_held()
        return False
    messages.success(request, f"Shared with {share.recipient}.")
    return True


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def share_remove(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask whether to end a share, then end it at once."""
    share = find_share(request.user, pk)
    if request.method == "POST":
        operations.remove_share(actor=request.user, share=share)
        messages.success(request, f"No longer shared with {share.recipient}.")
        return redirect("instances:sharing", share.instance_id)
    return render(request, "instances/share_remove.html", {"share": share})
