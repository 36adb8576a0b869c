"""The swagger documents of elements and of instances: which calls their tokens open."""

from typing import Any

from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.catalog import Element
from sandbox.messages import Response, json_response


def of_instance(call: Call) -> Response:
    """Answer GET /instances/{id}/docs, whole or for one operation."""
    return _answer(call, call.target().element)


def of_element(call: Call) -> Response:
    return _answer(call, call.element())


def _answer(call: Call, element: Element) -> Response:
    wanted = call.parts.get("operation") or call.request.argument("operationId")
    paths = {f"/{name}": {"get": _operation(name)} for name in element.resources}
    if wanted:
        paths = {p: o for p, o in paths.items() if o["get"]["operationId"] == wanted}
        if not paths:
            raise PlatformError(404, f"No operation found with ID {wanted}")
    return json_response(
        {
            "swagger": "2.0",
            "info": {"title": element.name, "version": "api-v2"},
            "basePath": f"/elements/api-v2/hubs/{element.hub}",
            "paths": paths,
        }
    )


def _operation(resource: str) -> dict[str, Any]:
    return {
        "operationId": "get" + resource.title().replace("-", ""),
        "summary": f"Search for {resource}",
        "parameters": [{"in": "query", "name": "pageSize", "type": "integer", "required": False}],
        "responses": {"200": {"description": f"The {resource}"}},
    }
