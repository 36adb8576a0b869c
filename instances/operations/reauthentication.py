"""Ask that an instance signs in at its provider with other credentials, under its id."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from instances import entries, zuora
from instances.models import Instance, Operation, OperationKind, OperationState
from instances.operations import recognition
from instances.operations.creation import MissingEntriesError
from instances.operations.editing import MaskTypedError, NothingChangesError
from instances.operations.lifecycle import ask, require_changeable

SENDS_CREDENTIALS = (OperationKind.CREATE, OperationKind.REAUTHENTICATE)


def kept_since(instance: Instance) -> dict[str, datetime | None]:
    """Return the entries that are credentials, and since when each is as it is, if that is known."""
    found: dict[str, datetime | None] = dict.fromkeys(entries.credentials(instance.configuration))
    sent = instance.operations.filter(kind__in=SENDS_CREDENTIALS, state=OperationState.SUCCEEDED)
    for operation in sent.order_by("pk"):
        keys = operation.payload.get("configuration_keys", [])
        found |= dict.fromkeys(keys, operation.finished_at)
    return found


def request_instance_reauthentication(
    *,
    requester: User,
    instance: Instance,
    configuration: Mapping[str, str | bool],
    heeds_environment: bool = False,
) -> Operation:
    """
    Ask for other credentials; an entry that is not in `configuration` is kept as it is.

    `configuration` holds plaintext credentials: they are sealed at once and erased in the end.
    `heeds_environment` stops Zuora credentials that are known from its other environment.

    :raises NotAllowedError: the requester may not manage the instance.
    :raises NothingChangesError: nothing was given.
    :raises MissingEntriesError: another way to authenticate, or Zuora's other system, without all
        that it needs.
    :raises MaskTypedError: a value is, or holds, the sign for a hidden one.
    :raises NotChangeableError: something else is under way with it.
    :raises OtherEnvironmentError: the credentials are in use at Zuora's other environment.
    :raises SwitchedOffError: its organization is switched off.
    """
    require_changeable(requester, instance)
    if not configuration:
        raise NothingChangesError
    typed = {key: value for key, value in configuration.items() if isinstance(value, str)}
    if masked := [key for key, value in typed.items() if entries.holds_mask(value)]:
        raise MaskTypedError(masked)
    if missing := missing_credentials(instance, configuration):
        raise MissingEntriesError(missing)
    used = _used_then(instance, configuration)
    if heeds_environment:
        recognition.refuse_other_environment(requester, instance.element_key, used)
    with transaction.atomic():
        wish = ask(OperationKind.REAUTHENTICATE, requester, instance, {}, configuration)
        recognition.remember(wish, instance.element_key, used)
    return wish


def _used_then(
    instance: Instance, configuration: Mapping[str, str | bool]
) -> dict[str, str | bool]:
    """Return what the instance signs in with afterwards, as far as it is known here."""
    kept = {
        key: value
        for key, value in instance.configuration.items()
        if value and not entries.holds_mask(value)
    }
    return {**kept, **configuration}


def missing_credentials(
    instance: Instance, configuration: Mapping[str, str | bool]
) -> Sequence[str]:
    """
    Return what is missing beside what was given, of a Zuora instance.

    Zuora's sandbox and production have separate credentials, and so have its two ways in: whoever
    changes over has to give all of them.
    """
    if instance.element_key != zuora.ELEMENT_KEY:
        return []
    before = instance.configuration
    chosen = configuration.get(zuora.TYPE_ENTRY) or before.get(zuora.TYPE_ENTRY) or "basic"
    changes_over = any(
        key in configuration and _text(configuration[key]) != (before.get(key) or default)
        for key, default in ((zuora.TYPE_ENTRY, "basic"), (zuora.SANDBOX_ENTRY, "false"))
    )
    needed = zuora.REQUIRED.get(str(chosen), {}) if changes_over else {}
    return [key for key in needed if not configuration.get(key)]


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
