"""Reading instances: lists with their filters, counts, single ones."""

import time
from typing import Any

from sandbox import elements, instances, paging
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.instances import Instance
from sandbox.messages import Response, json_response
from sandbox.shelf import Wanted

VIEW = "viewAccountElementInstances"


def list_instances(call: Call) -> Response:
    """Answer GET /instances: `tags[]`, `searchText`, `hydrate`, `pageSize`, `nextPage`."""
    call.need(VIEW)
    wanted, switches = _visible(call), call.switches
    if not call.bends.ignores_filter:
        tags = [value for name, value in call.request.query if name in ("tags[]", "tags")]
        wanted.tagged(tags, any_of=switches.tags_match_any)
        text = call.request.argument("searchText") or ""
        wanted.holding(text, ignore_case=switches.search_ignores_case)
    return _listed(call, wanted)


def list_of_element(call: Call) -> Response:
    """Answer GET /elements/{k}/instances; a private clone shares its key with the public element."""
    call.need(VIEW)
    wanted, key = _visible(call), call.element().key
    numbers = [each.id for each in elements.BY_ID.values() if each.key == key]
    wanted.add(f"element IN ({', '.join('?' * len(numbers))})", *numbers)
    return _listed(call, wanted)


def count(call: Call) -> Response:
    number = len(call.platform.shelf.find(_visible(call)))
    return json_response({"totalInstances": number, "elementInstances": number})


def list_formula_instances(call: Call) -> Response:
    """Answer GET /formulas/instances: what an instance is in use by."""
    wanted = Wanted(call.account.id)
    wanted.add("json_array_length(document, '$.used_by') > 0")
    found = call.platform.shelf.find(wanted)[:]
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


def _visible(call: Call) -> Wanted:
    wanted = Wanted(call.account.id)
    wanted.add("listed_from <= ?", time.time())
    if call.switches.element_token_narrows_list and call.instance:
        wanted.add("id = ?", call.instance.id)
    return wanted


class _Shown:
    """Instances as the list shows them, light or whole; only the page asked for is read."""

    def __init__(self, call: Call, wanted: Wanted) -> None:
        newest_first = call.switches.newest_first
        self._found = call.platform.shelf.find(wanted, newest_first=newest_first)
        self._call = call

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, part: slice) -> list[dict[str, Any]]:
        return [self._show(each) for each in self._found[part]]

    def _show(self, instance: Instance) -> dict[str, Any]:
        call = self._call
        if call.flag("hydrate", True):
            shown = instances.document(instance, call.account, unmasked=call.bends.unmasked)
        else:
            shown = instances.light_document(instance, call.account)
        return shown | {"valid": True} if call.switches.list_calls_all_valid else shown


def _listed(call: Call, wanted: Wanted) -> Response:
    """An empty list is a 404 on this platform, shown by the vendor's own tests."""
    found = _Shown(call, wanted)
    if call.switches.empty_list_status == 404 and not len(found):
        raise PlatformError(404, "No element instances found")
    return paging.page(call, found)
