"""The catalog's calls: elements, their configuration and authentication types, hubs."""

import re
from typing import Any

from sandbox import elements, paging
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.catalog import Element
from sandbox.messages import Response, json_response

WHERE_KEY = re.compile(r"\s*key\s*=\s*'([^']*)'\s*")
VIEW = "viewElements"


def list_elements(call: Call) -> Response:
    """Answer GET /elements: `pageSize`, `abridged`, `where=key='x'`."""
    found = _offered(call)
    where = call.request.argument("where")
    if where:
        found = [each for each in found if each.key == _wanted_key(where)]
    abridged = call.flag("abridged", False)
    answer = paging.page(call, [_entry(call, each, abridged=abridged) for each in found])
    if call.switches.catalog_paged_by_number:
        answer.headers.pop("Elements-Next-Page-Token", None)
    return answer


def list_keys(call: Call) -> Response:
    return json_response(list(dict.fromkeys(each.key for each in _offered(call))))


def read(call: Call) -> Response:
    call.need(VIEW)
    return json_response(_entry(call, call.element(), abridged=False))


def configuration(call: Call) -> Response:
    call.need(VIEW)
    if not call.switches.element_configuration_supported:
        raise PlatformError(404, "No resource found")
    return json_response(_items(call, call.element()))


def authentication_types(call: Call) -> Response:
    call.need(VIEW)
    return json_response(call.element().authentication_types())


def form_fields(call: Call) -> Response:
    """Answer with the fields to ask for under one authentication type."""
    call.need(VIEW)
    element, wanted = call.element(), call.parts["type"]
    if wanted not in [each["value"] for each in element.authentication_types()["options"]]:
        raise PlatformError(404, f"No authentication type found with value {wanted}")
    return json_response(element.form_fields(wanted))


def metadata(call: Call) -> Response:
    element = call.element()
    events = any(each.key == "event.notification.enabled" for each in element.settings)
    methods = ["webhook"] if events else []
    return json_response(
        {
            "id": element.id,
            "key": element.key,
            "name": element.name,
            "description": element.description,
            "events": {"supported": events, "methods": methods, "polling": {}, "webhook": {}},
        }
    )


def list_hubs(call: Call) -> Response:
    return json_response([{"key": key, "name": key.title()} for key in _hub_keys(call)])


def list_hub_keys(call: Call) -> Response:
    return json_response(_hub_keys(call))


def elements_of_hub(call: Call) -> Response:
    found = [each for each in _offered(call) if each.hub == call.parts["hub"]]
    if not found:
        raise PlatformError(404, "No elements found")
    return paging.page(call, [each.entry(abridged=True) for each in found])


def _offered(call: Call) -> tuple[Element, ...] | list[Element]:
    call.need(VIEW)
    return elements.offered(
        private_clone=call.switches.private_clone,
        invented=call.platform.invented[call.account.id],
    )


def _entry(call: Call, element: Element, *, abridged: bool) -> dict[str, Any]:
    shown = element.entry(abridged=abridged)
    return shown if abridged else shown | {"configuration": _items(call, element)}


def _items(call: Call, element: Element) -> list[dict[str, Any]]:
    """Show the entries, in the words and types that the switches say."""
    items = element.metadata()
    for item in items:
        if call.switches.required_is_called_mandatory:
            item["mandatory"] = item.pop("required")
        if call.switches.options_are_texts and "options" in item:
            item["options"] = [each["value"] for each in item["options"]]
        if call.switches.defaults_are_typed and "defaultValue" in item:
            item["defaultValue"] = _typed(item["defaultValue"])
    return items


def _typed(text: str) -> str | bool | int:
    """Return what a text means where it is a switch or a number."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() else text


def _hub_keys(call: Call) -> list[str]:
    return sorted({each.hub for each in _offered(call)})


def _wanted_key(where: str) -> str:
    match = WHERE_KEY.fullmatch(where)
    if match is None:
        raise PlatformError(400, "Invalid where clause")
    return match[1]
