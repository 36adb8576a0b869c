"""Edit an instance: what would change is shown first, and what others changed meanwhile."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from instances import operations
from instances.forms import EditForm
from instances.models import Instance
from instances.views.finding import SignedInRequest, missing_unless_allowed
from instances.views.lifecycle import attempt, managed, turn_away

TEMPLATE = "instances/instance_edit.html"
NOTHING = "Nothing is changed yet."


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show the form, then what it would change; send that once it was seen."""
    instance = managed(request, pk)
    if request.method == "GET" and not instance.is_active:
        return turn_away(request, instance)
    form = EditForm(request.POST if request.method == "POST" else None, instance=instance)
    if not form.is_valid():
        return _show(request, instance, form)
    if form.theirs():
        return _tell(request, instance, form)
    changes = form.changes()
    if not changes:
        form.add_error(None, NOTHING)
    elif request.POST.get("reviewed") == form.digest() and _ask(request, instance, form):
        return redirect(instance)
    return _show(request, instance, form, changes=changes)


def _ask(request: SignedInRequest, instance: Instance, form: EditForm) -> bool:
    def wish() -> None:
        operations.request_instance_edit(
            requester=request.user,
            instance=instance,
            seen=form.seen_edition,
            wanted=form.wanted(),
        )

    try:
        return attempt(request, instance, form, wish)
    except operations.EditedMeanwhileError:
        form.add_error(None, "Somebody changed it this very moment. Send it again to see what.")
        return False


def _tell(request: SignedInRequest, instance: Instance, form: EditForm) -> HttpResponse:
    """Show what somebody else changed, beside all that was typed."""
    found = {
        "theirs": form.theirs(),
        "by": operations.changed_by(instance, form.seen_at),
        "since": form.seen_at,
    }
    caught_up = form.caught_up(instance)
    is_good = caught_up.is_valid()
    return _show(
        request,
        instance,
        caught_up,
        status=409,
        changes=caught_up.changes() if is_good else [],
        **found,
    )


def _show(
    request: SignedInRequest, instance: Instance, form: EditForm, *, status: int = 0, **found: Any
) -> HttpResponse:
    context = {"instance": instance, "form": form, **found}
    return render(request, TEMPLATE, context, status=status or (422 if form.errors else 200))
