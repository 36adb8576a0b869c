"""One instance that differs from the platform's list: both sides, since when, and what to do about it."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from instances import entries, operations
from instances.forms.drift import SideForm
from instances.models import Instance, ListedInstance, Standing
from instances.operations import DriftChoice
from instances.tags import without_ours
from instances.views.detail import frame
from instances.views.finding import SignedInRequest, missing_unless_allowed
from instances.views.lifecycle import managed

DONE = {
    DriftChoice.ACCEPT: "Their values are taken over.",
    DriftChoice.PUSH: "The platform is asked to become as it is here.",
}
NOTHING = "Nothing was done: it is not as it was shown any more, is being changed, or can only be accepted."
NOT_TOLD = "not told"
STATES = {True: "disabled", False: "enabled", None: NOT_TOLD}
SWITCHES = {True: "on", False: "off", None: NOT_TOLD}


@dataclass(frozen=True)
class Side:
    """One part of an instance as it is here and there."""

    what: str
    ours: str
    theirs: str
    differs: bool

    @property
    def how(self) -> str:
        """How the two stand to each other, in words."""
        if self.differs:
            return "differs"
        return NOT_TOLD if NOT_TOLD in (self.ours, self.theirs) else "the same"


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_drift(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show both sides; accept theirs or push ours, as long as they are as they were shown."""
    instance = managed(request, pk)
    form = SideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        choice, digest = DriftChoice(form.cleaned_data["choice"]), form.cleaned_data["digest"]
        is_done = operations.decide_drift(
            actor=request.user, instance=instance, choice=choice, digest=digest
        )
        messages.info(request, DONE[choice] if is_done else NOTHING)
        return redirect(instance)
    line = operations.line_of(instance)
    context = frame(request.user, instance) | {"form": form, "line": line}
    context |= {"sides": sides(instance, line) if line else []}
    context |= {"is_changed": line is not None and line.standing == Standing.CHANGED}
    context |= {"can_be_pushed": line is not None and operations.can_be_pushed(line)}
    status = 422 if form.errors else 200
    return render(request, "instances/instance_drift.html", context, status=status)


def sides(instance: Instance, line: ListedInstance) -> list[Side]:
    """Return what is compared, part by part; of the configuration only what differs."""
    differing = set(line.differences)
    told = {
        "name": (instance.name, line.name or NOT_TOLD),
        "tags": (_names(instance.tag_names), _names(line.tags)),
        "disabled": (STATES[bool(instance.is_disabled)], STATES[line.is_disabled]),
        "events": (SWITCHES[instance.has_events], SWITCHES[line.has_events]),
    }
    called = {"name": "Name", "tags": "Tags", "disabled": "State", "events": "Events"}
    parts = [Side(called[part], *both, part in differing) for part, both in told.items()]
    return parts + [
        Side(key, instance.configuration.get(key) or "", theirs or "", differs=True)
        for key, theirs in sorted(line.entries.items())
        if key != entries.EVENTS or "events" not in differing
    ]


def _names(names: list[str]) -> str:
    return ", ".join(without_ours(names)) or "none"
