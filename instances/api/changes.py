"""Changes of an instance that exists; each answers with the operation that carries it out."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Status

from instances import entries, operations, pasted, zuora
from instances.api import showing
from instances.api.asking import IfMatch, require_unchanged
from instances.api.caller import ApiKeyHeader, Caller, caller_of
from instances.api.document import router, told
from instances.api.errors import invalid
from instances.api.shapes import InstanceOut, OperationOut
from instances.api.wishes import CredentialsWish, DeletionWish, EditWish, ReasonWish
from instances.forms import ReauthenticationForm
from instances.forms.editing import OFFERED
from instances.forms.reauthentication import PREFIX
from instances.models import Instance, Operation, Scope
from instances.operations import Edition

TAGS = ["Changes"]
WRITE = ApiKeyHeader(Scope.WRITE)
NO_CREDENTIAL = "This is no credential of this instance: PATCH it, or leave it out."
NOT_EDITABLE = "This cannot be edited. If it is a credential, re-authenticate."


def accepted(operation: Operation) -> Status[OperationOut]:
    """Return the wish that was saved: it is not carried out yet."""
    return Status(202, showing.operation(operation))


@router.patch(
    "instances/{uuid:pk}",
    auth=WRITE,
    response=told({202: OperationOut}, 409, 412, 428, body=True),
    tags=TAGS,
    operation_id="editInstance",
    summary="Edit an instance",
)
def edit_instance(
    request: HttpRequest, pk: UUID, wish: EditWish, if_match: IfMatch = None
) -> Status[OperationOut]:
    """Name, tags and single values; only what differs is sent to the platform."""
    caller = caller_of(request)
    instance = caller.find_managed(pk)
    require_unchanged(showing.whole(instance), if_match)
    seen = Edition.of(instance)
    wanted = _wanted(instance, seen, wish)
    return accepted(
        operations.request_instance_edit(
            requester=caller.user, instance=instance, seen=seen, wanted=wanted
        )
    )


def _wanted(instance: Instance, seen: Edition, wish: EditWish) -> Edition:
    offered = OFFERED if instance.element_key == zuora.ELEMENT_KEY else ()
    known = {*seen.values, *offered}
    unknown = [f"configuration.{key}" for key in wish.configuration if key not in known]
    problems = pasted.problems_of(wish.name, wish.tags)
    if unknown or problems:
        raise invalid(*((name, NOT_EDITABLE) for name in unknown), *problems)
    return Edition(
        name=seen.name if wish.name is None else wish.name,
        tags=seen.tags if wish.tags is None else tuple(dict.fromkeys(wish.tags)),
        values={**seen.values, **wish.configuration},
    )


@router.post(
    "instances/{uuid:pk}/re-authenticate",
    auth=WRITE,
    response=told({202: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="reauthenticateInstance",
    summary="Give an instance new credentials",
)
def reauthenticate_instance(
    request: HttpRequest, pk: UUID, wish: CredentialsWish
) -> Status[OperationOut]:
    """Under its id; a credential that is not named is kept as it is."""
    caller = caller_of(request)
    instance = caller.find_managed(pk)
    known = {name.removeprefix(PREFIX) for name in ReauthenticationForm(instance=instance).fields}
    unknown = [f"configuration.{key}" for key in wish.configuration if key not in known]
    if unknown:
        raise invalid(*((name, NO_CREDENTIAL) for name in unknown))
    return accepted(
        operations.request_instance_reauthentication(
            requester=caller.user,
            instance=instance,
            configuration=_typed(wish.configuration),
            heeds_environment=not wish.confirm_environment,
        )
    )


def _typed(configuration: dict[str, str | bool]) -> dict[str, str | bool]:
    """Return Zuora's switch as a switch, however it was written."""
    sent = configuration.get(zuora.SANDBOX_ENTRY)
    if isinstance(sent, str):
        return configuration | {zuora.SANDBOX_ENTRY: entries.is_on(sent)}
    return configuration


@router.post(
    "instances/{uuid:pk}/disable",
    auth=WRITE,
    response=told({202: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="disableInstance",
    summary="Disable an instance",
)
def disable_instance(request: HttpRequest, pk: UUID, wish: ReasonWish) -> Status[OperationOut]:
    """It takes no calls until it is enabled again."""
    return _switch(caller_of(request), pk, wish, is_to_be_disabled=True)


@router.post(
    "instances/{uuid:pk}/enable",
    auth=WRITE,
    response=told({202: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="enableInstance",
    summary="Enable an instance",
)
def enable_instance(request: HttpRequest, pk: UUID, wish: ReasonWish) -> Status[OperationOut]:
    """It takes calls again."""
    return _switch(caller_of(request), pk, wish, is_to_be_disabled=False)


def _switch(
    caller: Caller, pk: UUID, wish: ReasonWish, *, is_to_be_disabled: bool
) -> Status[OperationOut]:
    return accepted(
        operations.request_instance_switch(
            requester=caller.user,
            instance=caller.find_managed(pk),
            is_to_be_disabled=is_to_be_disabled,
            reason=wish.reason,
        )
    )


@router.post(
    "instances/{uuid:pk}/delete",
    auth=WRITE,
    response=told({202: OperationOut}, 409, body=True),
    tags=TAGS,
    operation_id="deleteInstance",
    summary="Delete an instance",
)
def delete_instance(request: HttpRequest, pk: UUID, wish: DeletionWish) -> Status[OperationOut]:
    """It is disabled now and deleted when its countdown is over; until then it can be undone."""
    caller = caller_of(request)
    first: Operation = operations.request_instance_deletion(
        requester=caller.user,
        instance=caller.find_managed(pk),
        typed_name=wish.name,
        reason=wish.reason,
    )
    return accepted(first)


@router.post(
    "instances/{uuid:pk}/delete/undo",
    auth=WRITE,
    response=told({200: InstanceOut}, 409, 422),
    tags=TAGS,
    operation_id="undoDeletion",
    summary="Undo a deletion",
)
def undo_deletion(request: HttpRequest, response: HttpResponse, pk: UUID) -> InstanceOut:
    """While it is counted down; what was disabled for it is enabled again."""
    caller = caller_of(request)
    operations.undo_instance_deletion(actor=caller.user, instance=caller.find_managed(pk))
    shown = showing.whole(caller.find_instance(pk))
    response["ETag"] = shown.etag()
    return shown
