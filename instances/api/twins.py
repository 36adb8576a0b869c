"""Another instance like one that is there: beside it, or in its place."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from ninja import Status

from instances import access, operations, zuora
from instances.access import Action
from instances.api import showing
from instances.api.asking import Once, refuse_invalid, request_id
from instances.api.caller import ApiKeyHeader, Caller, caller_of
from instances.api.document import router, told
from instances.api.errors import invalid
from instances.api.instances import made_by
from instances.api.shapes import OperationOut, RotationOut
from instances.api.wishes import RotationWish, TwinWish
from instances.forms import ElementForm, InstanceForm
from instances.forms.cloning import initial_from, initial_of
from instances.forms.creation import FIELDS
from instances.forms.entries import name_of
from instances.forms.rotation import REPLACES, rotation_form
from instances.models import Element, Instance, Operation, Scope
from instances.problems import ProblemError
from instances.tags import without_ours

TAGS = ["Another one like it"]
NOT_KNOWN = "Nobody has read what its element asks for."


@router.post(
    "instances/{uuid:pk}/clone",
    auth=ApiKeyHeader(Scope.WRITE),
    response=told({202: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="cloneInstance",
    summary="Ask for another like this",
)
def clone_instance(
    request: HttpRequest, response: HttpResponse, pk: UUID, wish: TwinWish, once: Once
) -> Status[OperationOut]:
    """Settings and tags are taken over; credentials, and whatever is masked, are to be sent."""
    caller = caller_of(request)
    source = caller.find_instance(pk)
    access.require(caller.user, Action.CREATE, source.organization)
    asked = _asked(caller, _clone_form(caller.user, source), source, wish, once)
    return made_by(response, operations.request_instance(requester=caller.user, **asked))


@router.post(
    "instances/{uuid:pk}/rotate",
    auth=ApiKeyHeader(Scope.WRITE),
    response=told({202: RotationOut}, 409, body=True),
    tags=TAGS,
    operation_id="rotateInstance",
    summary="Put another in its place",
)
def rotate_instance(
    request: HttpRequest, pk: UUID, wish: RotationWish, once: Once
) -> Status[RotationOut]:
    """The new one is made and tested first, both work for some days, then the old one is removed."""
    caller = caller_of(request)
    old = caller.find_managed(pk)
    access.require(caller.user, Action.CREATE, old.organization)
    if (form := rotation_form(None, user=caller.user, old=old)) is None:
        raise ProblemError(409, "element-unknown", NOT_KNOWN)
    days = {} if wish.days is None else {"days": wish.days}
    asked = _asked(caller, form, old, wish, once, **days)
    made = operations.request_instance_rotation(requester=caller.user, old=old, **asked)
    return Status(202, showing.rotation(made))


def _clone_form(user: User, source: Instance) -> InstanceForm | ElementForm:
    if source.element_key == zuora.ELEMENT_KEY:
        return InstanceForm(user=user, initial=initial_from(source))
    if (element := Element.objects.described(source)) is None:
        raise ProblemError(409, "element-unknown", NOT_KNOWN)
    return ElementForm(element=element, initial=initial_of(source, element))


def _names(source: Instance) -> dict[str, str]:
    """Return the form's field of each entry of the configuration."""
    if source.element_key == zuora.ELEMENT_KEY:
        return dict(FIELDS)
    element = Element.objects.described(source)
    return {str(each["key"]): name_of(each) for each in element.asked_for} if element else {}


def _asked(
    caller: Caller, form: Any, source: Instance, wish: TwinWish, once: str, **said: Any
) -> dict[str, Any]:
    """Return what the form asks for once what is sent stands over what it takes over."""
    names, wish_id = _names(source), request_id(caller, once)
    unknown = [key for key in wish.configuration if names.get(key) not in form.fields]
    fields = [(f"configuration.{key}", "This is not known here.") for key in unknown]
    if any("," in tag for tag in wish.tags or ()):
        fields.append(("tags", "A tag cannot hold a comma here."))
    if fields:
        raise invalid(*fields)
    typed = {names[key]: value for key, value in wish.configuration.items()}
    if "clientId" in wish.configuration and "authentication.type" not in wish.configuration:
        typed["authentication_type"] = "custom"
    said |= {"client_request_id": str(wish_id)} | _labels(wish.name, wish.tags)
    taken = {name: form[name].value() for name in form.fields} | _earlier(caller, wish_id)
    # A switch that is off is left out, as a browser does.
    sent = {**taken, **typed, **said}
    form.data = {name: value for name, value in sent.items() if value not in (None, False)}
    form.is_bound = True
    refuse_invalid(form, {field: f"configuration.{key}" for key, field in names.items()})
    asked: dict[str, Any] = form.wish()
    if "heeds_environment" in asked:
        asked["heeds_environment"] = not wish.confirm_environment
    return asked


def _labels(name: str | None, tags: Sequence[str] | None) -> dict[str, str]:
    given = {"name": name, "tags": None if tags is None else ", ".join(tags)}
    return {key: value for key, value in given.items() if value is not None}


def _earlier(caller: Caller, wish_id: UUID) -> dict[str, str]:
    """Return what the wish was called the first time: by now that name is taken, by itself."""
    rows = Operation.objects.filter(requester=caller.user, client_request_id=wish_id)
    if (earlier := rows.first()) is None:
        return {}
    tags = [tag for tag in without_ours(earlier.payload["tags"]) if not REPLACES.fullmatch(tag)]
    return _labels(earlier.payload["name"], tags)
