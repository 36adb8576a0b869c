"""Rotate an instance: a page that says what will happen, and the decisions on the way."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from instances import access, oauth, operations, rights
from instances.access import Action
from instances.forms.rotation import AnyRotationForm, LongerForm, RotationForm, rotation_form
from instances.models import Instance, Rotation
from instances.operations import RotationChoice
from instances.views.creation import NOT_KNOWN
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.lifecycle import OFF, managed, turn_away, why_not
from instances.views.trimming import tell_trimmed

STARTED = "The rotation has begun: this is the new one. The old one is not touched yet."
DECIDED = "It stands elsewhere by now, so this cannot be decided. This is how it stands."
TOO_LATE = "It is too late: the deletion of the old one has begun."
DONE = {
    RotationChoice.FINISH: "The old one is disabled as soon as the new one has been tested again.",
    RotationChoice.LONGER: "Both are kept longer.",
    RotationChoice.GO_ON: "It goes on, in your name.",
    RotationChoice.VOUCH: "It goes on, on your word that the new one works.",
    RotationChoice.UNDO: "The old one stays. Delete the new one here if nobody needs it.",
}


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def instance_rotate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say what will happen, ask for the credentials of the twin, and ask for the rotation."""
    old = managed(request, pk)
    if not access.can(request.user, Action.CREATE, old.organization):
        return _not_theirs(request, old)
    data = request.POST if request.method == "POST" else None
    if (form := rotation_form(data, user=request.user, old=old)) is None:
        messages.error(request, NOT_KNOWN.format(old.element_key))
        return redirect(old)
    if form.is_valid() and (rotation := _ask(request, old, form)):
        messages.success(request, STARTED)
        tell_trimmed(request, form)
        return redirect(rotation.new)
    if not form.is_bound and not operations.may_be_rotated(old):
        return turn_away(request, old)
    status = 422 if form.errors else 200
    return render(request, "instances/instance_rotate.html", _context(old, form), status=status)


def _context(old: Instance, form: AnyRotationForm) -> dict[str, object]:
    return {
        "instance": old,
        "form": form,
        "callback": oauth.callback_address(),
        "protocol": operations.protocol_for(old),
        "deletion_days": settings.ENGINE["DELETION_DAYS"],
        "quiet_hours": settings.ENGINE["QUIET_HOURS"],
        "shares": old.shares.current().count(),
    }


def _not_theirs(request: SignedInRequest, old: Instance) -> HttpResponse:
    """Say to somebody who manages it by a share why it is not theirs to rotate."""
    status = 403 if request.method == "POST" else 200
    context = {"instance": old, "why": rights.why(request.user, old)}
    return render(request, "instances/instance_rotate_not.html", context, status=status)


def _ask(request: SignedInRequest, old: Instance, form: AnyRotationForm) -> Rotation | None:
    try:
        return operations.request_instance_rotation(requester=request.user, old=old, **form.wish())
    except operations.RequestReusedError as error:
        form.say_reused(error.instance)
    except operations.NotChangeableError:
        form.add_error(None, _why_not(old))
    except operations.SwitchedOffError:
        form.add_error(None, OFF)
    except operations.OtherEnvironmentError as error:
        # Only Zuora's credentials are known again, so it is Zuora's form.
        if isinstance(form, RotationForm):
            form.environment.say(error)
    except (operations.NoAddressError, operations.MissingEntriesError) as error:
        form.add_error(None, str(error))
    return None


def _why_not(old: Instance) -> str:
    rotation = operations.rotation_of(old)
    if rotation is None or rotation.is_over:
        return why_not(old)
    return "It is being rotated already. Nothing of yours was sent."


@require_http_methods(["GET", "POST"])
@missing_unless_allowed
def rotation_decide(request: SignedInRequest, pk: UUID, choice: str) -> HttpResponse:
    """Ask whether a rotation shall go on so, and have it go on so."""
    instance = find_instance(request.user, pk)
    access.require(request.user, Action.MANAGE, instance)
    rotation, chosen = operations.rotation_of(instance), _choice(choice)
    if rotation is None or chosen not in operations.rotation_choices(rotation):
        messages.info(request, DECIDED)
        return redirect(instance)
    for one in (rotation.old, rotation.new):
        access.require(request.user, Action.MANAGE, one)
    form = _form(request, chosen)
    if request.method == "POST" and form.is_valid():
        return _decide(request, rotation, chosen, form)
    context = {"instance": instance, "rotation": rotation, "choice": chosen.value, "form": form}
    status = 422 if form.errors else 200
    return render(request, "instances/rotation_decide.html", context, status=status)


def _choice(named: str) -> RotationChoice:
    try:
        return RotationChoice(named)
    except ValueError as error:
        raise Http404 from error


def _form(request: SignedInRequest, choice: RotationChoice) -> Form:
    typed = request.POST if request.method == "POST" else None
    if choice != RotationChoice.LONGER:
        return Form(typed)
    return LongerForm(typed, initial={"days": f"{settings.ENGINE['ROTATION_DAYS']:g}"})


def _decide(
    request: SignedInRequest, rotation: Rotation, choice: RotationChoice, form: Form
) -> HttpResponse:
    try:
        operations.decide_rotation(
            actor=request.user, rotation=rotation, choice=choice, **form.cleaned_data
        )
    except operations.RotationDecidedError:
        messages.info(request, DECIDED)
    except operations.TooLateError:
        messages.error(request, TOO_LATE)
    else:
        messages.success(request, DONE[choice])
        if choice == RotationChoice.UNDO:
            return redirect(rotation.new)
    return redirect(rotation.old)
