"""What an instance's own token opens: ping, objects, the provider's resources."""

import json
import time

from sandbox import instances, paging
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.instances import Instance
from sandbox.messages import Response, json_response

UNSUPPORTED = "This API is not currently supported for this element"  # churros: rocketzen


def ping(call: Call) -> Response:
    instance = _answering(call)
    if not call.switches.ping_supported:
        raise PlatformError(404, UNSUPPORTED)
    now = instances.timestamp(time.time())
    return _answer(instance, json_response({"dateTime": now, "endpoint": instance.element.key}))


def objects(call: Call) -> Response:
    """Name the objects; still answered on a disabled instance, as the vendor's tests show."""
    instance = call.target()
    names = list(instance.element.resources)
    if call.request.header("elements-version").lower() != "helium":
        return _answer(instance, json_response(names))
    detailed = [{"name": name, "vendorName": name, "type": "vendor"} for name in names]
    return _answer(instance, json_response(detailed))


def object_metadata(call: Call) -> Response:
    instance, name = _enabled(call), call.parts["name"]
    if name not in instance.element.resources:
        raise PlatformError(404, f"No object found with name {name}")
    fields = [
        {"vendorPath": "id", "type": "string", "vendorReadOnly": True},
        {"vendorPath": "name", "type": "string", "vendorReadOnly": False},
    ]
    return _answer(instance, json_response({"fields": fields}))


def resources(call: Call) -> Response:
    """List made-up records; the hub in the path is ignored, as the vendor's tests show."""
    instance, name = _answering(call), call.parts["resource"]
    if name not in instance.element.resources:
        raise PlatformError(404, UNSUPPORTED)
    records = [{"id": f"{name}-{n}", "name": f"{name.title()} {n}"} for n in range(1, 26)]
    return _answer(instance, paging.page(call, records))


def _enabled(call: Call) -> Instance:
    instance = call.target()
    if instance.disabled:
        raise PlatformError(
            call.switches.disabled_status, f"Element instance {instance.id} is disabled"
        )
    return instance


def _answering(call: Call) -> Instance:
    """Find an instance that is enabled, and whose provider answers. :raises PlatformError: it is not."""
    instance = _enabled(call)
    if instance.provider_status != 200:
        raise PlatformError(
            instance.provider_status,
            "Request failed at the endpoint",
            provider_message=json.dumps({"status": instance.provider_status}),
        )
    return instance


def _answer(instance: Instance, response: Response) -> Response:
    response.headers["elements-element-instance-id"] = str(instance.id)
    return response
