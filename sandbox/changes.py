"""Changing an instance: PUT, PATCH, DELETE, the enabled switch, trace logging, configuration items."""

import json
import time
from typing import Any

from sandbox import accounts, consent, instances, provisioning
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.catalog import MASK, text_of
from sandbox.instances import Instance
from sandbox.messages import Response, json_response

DEFAULT_TRACE = 5.0


def update(call: Call) -> Response:
    """
    Answer PUT and PATCH alike: what is not sent stays, as the vendor's documentation shows for both.

    Changed credentials are tried at the provider first, under the same id.
    """
    call.need("editAccountElementInstances")
    instance, document = call.target(), call.document()
    fields: dict[str, Any] = {}
    if "name" in document and document["name"] != instance.name:
        fields["name"] = provisioning.cleaned_name(call, document["name"])
    if "tags" in document:
        fields["tags"] = _tags(call, document["tags"])
    fields |= _authentication(call, instance, document)
    return call.show(call.platform.change_instance(instance, call.entry, **fields))


def _tags(call: Call, given: object) -> list[str]:
    """Replace all tags; they are never merged with the old ones."""
    return [] if call.bends.strips_tags else provisioning.cleaned_tags(call, given or [])


def _authentication(call: Call, instance: Instance, document: dict[str, Any]) -> dict[str, Any]:
    sent = _without_masks(call, instance, document.get("configuration"))
    changed = {key: value for key, value in sent.items() if value != _current(instance, key)}
    retried = {} if instance.valid else sent
    if not changed and not retried and "providerData" not in document:
        return {}
    values = dict(instance.configuration) | changed
    fields: dict[str, Any] = {"configuration": values}
    if _reauthenticates(call, instance, changed | retried) or "providerData" in document:
        provisioning.check_required(call, instance.element, values)
        fields["valid"] = provisioning.provider_accepts(call, instance.element, values)
        if "providerData" in document:
            consent.check(instance.element, document, values)
            values |= consent.tokens(call, instance.element, document, values)
        fields |= _reprovisioned(call, instance, values)
    return fields


def _current(instance: Instance, key: str) -> str | None:
    return instance.configuration.get(key, "")


def _without_masks(call: Call, instance: Instance, given: object) -> dict[str, str | None]:
    """Leave out asterisks that came from a response: they are accepted and mean "as before"."""
    values = provisioning.configuration_values(given)
    if call.switches.masks_are_stored:
        return values
    return {
        key: value
        for key, value in values.items()
        if value != MASK or not instance.configuration.get(key)
    }


def _reauthenticates(call: Call, instance: Instance, changed: dict[str, str | None]) -> bool:
    if not call.flag("reAuthenticate", True):
        return False
    touched = [instance.element.setting(key) for key in changed]
    return any(each and each.is_credential for each in touched) or "zuorav2.sandbox" in changed


def _reprovisioned(call: Call, instance: Instance, values: dict[str, str | None]) -> dict[str, Any]:
    if call.switches.reprovision_makes_copy:
        call.platform.add_instance(
            call.account,
            call.entry,
            element_id=instance.element_id,
            name=instance.name,
            tags=list(instance.tags),
            configuration=dict(values),
        )
    if call.switches.reprovision_changes_token:
        return {"token": accounts.new_token()}
    return {}


def delete(call: Call) -> Response:
    call.need("deleteAccountElementInstances")
    instance = call.target()
    if call.switches.delete_in_use or instance.used_by:
        users = ", ".join(instance.used_by) or "a formula instance"
        raise PlatformError(409, f"Element instance {instance.id} is in use by {users}")
    call.platform.delete_instance(instance, call.entry)
    return _short(call, instance, call.switches.delete_answer)


def enable(call: Call) -> Response:
    return _set_disabled(call, disabled=False)


def disable(call: Call) -> Response:
    return _set_disabled(call, disabled=True)


def _set_disabled(call: Call, *, disabled: bool) -> Response:
    call.need("editAccountElementInstances")
    instance, status = call.target(), call.switches.repeated_enabled_status
    if instance.disabled == disabled and status != 200:
        state = "disabled" if disabled else "enabled"
        raise PlatformError(status, f"Element instance {instance.id} is already {state}")
    call.platform.change_instance(instance, call.entry, disabled=disabled)
    return _short(call, instance, call.switches.enabled_answer)


def start_tracing(call: Call) -> Response:
    """Turn trace logging on for a while; the unit of `duration` is a switch."""
    instance = call.target()
    duration = call.document().get("duration") if call.request.body else None
    if duration is not None and (not isinstance(duration, int | float) or duration <= 0):
        raise PlatformError(400, "The duration must be a positive number")
    seconds = float(duration or DEFAULT_TRACE) * call.switches.trace_duration_unit
    until = time.time() + seconds
    return call.show(call.platform.change_instance(instance, call.entry, traced_until=until))


def stop_tracing(call: Call) -> Response:
    return call.show(call.platform.change_instance(call.target(), call.entry, traced_until=0.0))


def configuration(call: Call) -> Response:
    return json_response(_items(call, call.target()))


def configuration_item(call: Call) -> Response:
    return json_response(_item(call, call.target()))


def change_configuration_item(call: Call) -> Response:
    """Set one value; masks mean "as before" here too."""
    call.need("editAccountElementInstances")
    instance, document = call.target(), call.document()
    key = _item(call, instance)["key"]
    if "propertyValue" not in document:
        raise PlatformError(400, "The propertyValue is required")
    sent = {key: text_of(document["propertyValue"], json.dumps)}
    fields: dict[str, Any] = {}
    if call.switches.item_change_reauthenticates:
        fields = _authentication(call, instance, {"configuration": sent})
    values = dict(instance.configuration) | _without_masks(call, instance, sent)
    call.platform.change_instance(instance, call.entry, **fields | {"configuration": values})
    return json_response(_item(call, instance))


def _items(call: Call, instance: Instance) -> list[dict[str, Any]]:
    unmasked = call.bends.unmasked
    return instances.configuration_items(instance, call.switches, unmasked=unmasked)


def _item(call: Call, instance: Instance) -> dict[str, Any]:
    wanted = call.parts["item"]
    for item in _items(call, instance):
        if str(item["id"]) == wanted:
            return item
    raise PlatformError(404, f"No configuration found with ID {wanted}")


def _short(call: Call, instance: Instance, answer: str) -> Response:
    """Answer with the instance, an empty object or nothing: no source shows this body."""
    if answer == "instance":
        return call.show(instance)
    return json_response({}) if answer == "object" else Response()
