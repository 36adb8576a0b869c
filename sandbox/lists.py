"""Reading instances: lists with their filters, counts, single ones."""

import time
from typing import Any

from sandbox import instances, paging
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.instances import Instance
from sandbox.messages import Response, json_response

VIEW = "viewAccountElementInstances"


def list_instances(call: Call) -> Response:
    """Answer GET /instances: `tags[]`, `searchText`, `hydrate`, `pageSize`, `nextPage`."""
    call.need(VIEW)
    found = [each for each in _visible(call) if call.bends.ignores_filter or _matches(call, each)]
    return _listed(call, found)


def list_of_element(call: Call) -> Response:
    """Answer GET /elements/{k}/instances."""
    call.need(VIEW)
    element = call.element()
    found = [each for each in _visible(call) if each.element.key == element.key]
    return _listed(call, found)


def count(call: Call) -> Response:
    number = len(_visible(call))
    return json_response({"totalInstances": number, "elementInstances": number})


def list_formula_instances(call: Call) -> Response:
    """Answer GET /formulas/instances: what an instance is in use by."""
    found = [each for each in call.platform.instances_of(call.account) if each.used_by]
    shown = [_formula(each, n, name) for each in found for n, name in enumerate(each.used_by)]
    if not shown and call.switches.empty_list_status == 404:
        raise PlatformError(404, "No formula instances found")
    return paging.page(call, shown)


def _formula(instance: Instance, position: int, name: str) -> dict[str, Any]:
    return {
        "id": instance.id * 100 + position,
        "name": name,
        "active": True,
        "formula": {"id": instance.id * 10, "name": f"Template of {name}"},
        "configuration": {"element.instance": str(instance.id)},
    }


def read(call: Call) -> Response:
    call.need(VIEW)
    return call.show(call.target())


def _visible(call: Call) -> list[Instance]:
    now = time.time()
    found = [e for e in call.platform.instances_of(call.account) if e.listed_from <= now]
    if call.switches.element_token_narrows_list and call.instance:
        found = [each for each in found if each.id == call.instance.id]
    return found[::-1] if call.switches.newest_first else found


def _matches(call: Call, instance: Instance) -> bool:
    wanted = [value for name, value in call.request.query if name in ("tags[]", "tags")]
    hits = [tag in instance.tags for tag in wanted]
    if wanted and not (any(hits) if call.switches.tags_match_any else all(hits)):
        return False
    text = call.request.argument("searchText") or ""
    haystack = [instance.name, instance.element.key]
    if call.switches.search_ignores_case:
        text, haystack = text.lower(), [each.lower() for each in haystack]
    return any(text in each for each in haystack)


def _listed(call: Call, found: list[Instance]) -> Response:
    """An empty list is a 404 on this platform, shown by the vendor's own tests."""
    if not found and call.switches.empty_list_status == 404:
        raise PlatformError(404, "No element instances found")
    if call.flag("hydrate", True):
        shown = [
            instances.document(each, call.account, unmasked=call.bends.unmasked) for each in found
        ]
    else:
        shown = [instances.light_document(each, call.account) for each in found]
    if call.switches.list_calls_all_valid:
        shown = [each | {"valid": True} for each in shown]
    return paging.page(call, shown)
