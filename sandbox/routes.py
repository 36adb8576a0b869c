"""The map of the API: path and verb to the function that answers, and who may call it."""

import time
from collections.abc import Callable

from sandbox import (
    account_calls,
    authorization,
    catalog_calls,
    changes,
    descriptions,
    element_calls,
    lists,
    oauth_calls,
    provisioning,
    record_calls,
)
from sandbox.accounts import Account
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.messages import Response

BASE = "/elements/api-v2"

PLATFORM, TOKEN, ELEMENT, OPEN = "platform", "token", "element", "open"

Function = Callable[[Call], Response]

# Literal paths stand before patterns that would match them too.
_TABLE: tuple[tuple[str, str, str, Function], ...] = (
    ("POST", "/authentication", OPEN, account_calls.log_in),
    ("GET", "/authentication/secrets", PLATFORM, account_calls.read_secrets),
    ("GET", "/organizations/me", PLATFORM, account_calls.read_organization),
    ("GET", "/users/me", PLATFORM, account_calls.read_user),
    ("GET", "/instances", PLATFORM, lists.list_instances),
    ("POST", "/instances", PLATFORM, provisioning.create),
    ("PUT", "/instances", TOKEN, changes.update),
    ("PATCH", "/instances", TOKEN, changes.update),
    ("DELETE", "/instances", TOKEN, changes.delete),
    ("GET", "/instances/count", PLATFORM, lists.count),
    ("PUT", "/instances/enabled", TOKEN, changes.enable),
    ("DELETE", "/instances/enabled", TOKEN, changes.disable),
    ("PUT", "/instances/trace-logging", TOKEN, changes.start_tracing),
    ("DELETE", "/instances/trace-logging", TOKEN, changes.stop_tracing),
    ("GET", "/instances/configuration", TOKEN, changes.configuration),
    ("GET", "/instances/configuration/{item}", TOKEN, changes.configuration_item),
    ("PATCH", "/instances/configuration/{item}", TOKEN, changes.change_configuration_item),
    ("GET", "/instances/docs", TOKEN, descriptions.of_instance),
    ("GET", "/instances/docs/{operation}", TOKEN, descriptions.of_instance),
    ("GET", "/instances/{id}", PLATFORM, lists.read),
    ("PUT", "/instances/{id}", PLATFORM, changes.update),
    ("PATCH", "/instances/{id}", PLATFORM, changes.update),
    ("DELETE", "/instances/{id}", PLATFORM, changes.delete),
    ("PUT", "/instances/{id}/enabled", PLATFORM, changes.enable),
    ("DELETE", "/instances/{id}/enabled", PLATFORM, changes.disable),
    ("PUT", "/instances/{id}/trace-logging", PLATFORM, changes.start_tracing),
    ("DELETE", "/instances/{id}/trace-logging", PLATFORM, changes.stop_tracing),
    ("GET", "/instances/{id}/configuration", PLATFORM, changes.configuration),
    ("GET", "/instances/{id}/configuration/{item}", PLATFORM, changes.configuration_item),
    ("PATCH", "/instances/{id}/configuration/{item}", PLATFORM, changes.change_configuration_item),
    ("GET", "/usage", PLATFORM, record_calls.usage),
    ("GET", "/usage/analytics/{measure}", PLATFORM, record_calls.analytics),
    ("GET", "/usage/{record}", PLATFORM, record_calls.one_usage),
    ("GET", "/audit-logs/element-instances", PLATFORM, record_calls.audit),
    ("GET", "/audit-logs/element-instances/{instance}", PLATFORM, record_calls.audit),
    ("GET", "/formulas/instances", PLATFORM, lists.list_formula_instances),
    ("GET", "/instances/{id}/docs", PLATFORM, descriptions.of_instance),
    ("GET", "/instances/{id}/docs/{operation}", PLATFORM, descriptions.of_instance),
    ("GET", "/elements/{element}/docs", PLATFORM, descriptions.of_element),
    ("GET", "/elements", PLATFORM, catalog_calls.list_elements),
    ("GET", "/elements/keys", PLATFORM, catalog_calls.list_keys),
    ("GET", "/elements/{element}", PLATFORM, catalog_calls.read),
    ("GET", "/elements/{element}/configuration", PLATFORM, catalog_calls.configuration),
    ("GET", "/elements/{element}/metadata", PLATFORM, catalog_calls.metadata),
    (
        "GET",
        "/elements/{element}/authentication-types",
        PLATFORM,
        catalog_calls.authentication_types,
    ),
    (
        "GET",
        "/elements/{element}/authentication-types/{type}/configurations",
        PLATFORM,
        catalog_calls.form_fields,
    ),
    ("GET", "/elements/{element}/oauth/url", PLATFORM, oauth_calls.url),
    ("POST", "/elements/{element}/oauth/url", PLATFORM, oauth_calls.url),
    ("GET", "/elements/{element}/oauth/token", PLATFORM, oauth_calls.request_token),
    ("GET", "/elements/{element}/instances", PLATFORM, lists.list_of_element),
    ("POST", "/elements/{element}/instances", PLATFORM, provisioning.create),
    ("GET", "/elements/{element}/instances/{id}", PLATFORM, lists.read),
    ("PUT", "/elements/{element}/instances/{id}", PLATFORM, changes.update),
    ("PATCH", "/elements/{element}/instances/{id}", PLATFORM, changes.update),
    ("DELETE", "/elements/{element}/instances/{id}", PLATFORM, changes.delete),
    ("GET", "/hubs", PLATFORM, catalog_calls.list_hubs),
    ("GET", "/hubs/keys", PLATFORM, catalog_calls.list_hub_keys),
    ("GET", "/hubs/{hub}/elements", PLATFORM, catalog_calls.elements_of_hub),
    ("GET", "/hubs/{hub}/ping", ELEMENT, element_calls.ping),
    ("GET", "/hubs/{hub}/objects", ELEMENT, element_calls.objects),
    ("GET", "/hubs/{hub}/objects/{name}/metadata", ELEMENT, element_calls.object_metadata),
    ("GET", "/hubs/{hub}/{resource}", ELEMENT, element_calls.resources),
    ("GET", "/ping", ELEMENT, element_calls.ping),
    ("GET", "/objects", ELEMENT, element_calls.objects),
    ("GET", "/objects/{name}/metadata", ELEMENT, element_calls.object_metadata),
    ("GET", "/{resource}", ELEMENT, element_calls.resources),
)
Route = tuple[str, list[str], str, Function]

_BY_LENGTH: dict[int, list[Route]] = {}
for _method, _path, _caller, _function in _TABLE:
    _segments = _path.strip("/").split("/")
    _BY_LENGTH.setdefault(len(_segments), []).append((_method, _segments, _caller, _function))


class Limits:
    """Counts calls for the `rate_limit` switch: calls per second, per account."""

    def __init__(self) -> None:
        self._free_at: dict[int, float] = {}

    def check(self, account: Account) -> None:
        """Let one call through, or refuse it. :raises PlatformError: 429."""
        rate = account.switches.rate_limit
        if not rate:
            return
        now = time.monotonic()
        free_at = max(self._free_at.get(account.id, 0.0), now - 1.0)
        if free_at > now:
            text = account.switches.rate_limit_retry_after
            headers = {"Retry-After": text} if text else {}
            raise PlatformError(429, "Too many requests", headers=headers)
        self._free_at[account.id] = free_at + 1.0 / rate


def respond(call: Call, limits: Limits) -> Response:
    """
    Answer one call.

    :raises PlatformError: the platform refuses it.
    """
    call.kind, function = _find(call)
    _admit(call, call.kind)
    _check_message(call)
    if call.caller:
        limits.check(call.caller)
    return function(call)


def _find(call: Call) -> tuple[str, Function]:
    segments = call.request.segments(BASE)
    allowed = []
    for method, pattern, who, function in _BY_LENGTH.get(len(segments), []):
        parts = _match(pattern, segments)
        if parts is None:
            continue
        if method == call.request.method:
            call.parts = parts
            return who, function
        allowed.append(method)
    if allowed:
        headers = {"Allow": ", ".join(dict.fromkeys(allowed))}
        raise PlatformError(405, f"Method {call.request.method} is not allowed", headers=headers)
    raise PlatformError(404, "No resource found at this path")


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    parts = {}
    for expected, found in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            parts[expected[1:-1]] = found
        elif expected != found:
            return None
    return parts


def _admit(call: Call, who: str) -> None:
    header = authorization.parse(call.request.header("authorization"))
    if who == OPEN:
        return
    if who in (TOKEN, ELEMENT):
        call.caller, call.instance = authorization.admit_instance(call.platform, header)
        return
    call.caller = authorization.admit_account(call.platform, header)
    call.instance = call.platform.shelf.by_token(header.get("element", ""))


def _check_message(call: Call) -> None:
    """Refuse a body that is too large or no JSON, and a caller who accepts no JSON."""
    request, switches = call.request, call.switches
    if len(request.body) > switches.body_limit:
        raise PlatformError(switches.body_limit_status, "The request body is too large")
    accepted = request.header("accept", "*/*")
    if not any(kind in accepted for kind in ("*/*", "application/*", "application/json")):
        raise PlatformError(406, "Only application/json can be returned")
    sent = request.header("content-type").partition(";")[0].strip().lower()
    if request.body and request.method != "GET" and sent != "application/json":
        raise PlatformError(415, f"Content type {sent or 'missing'} is not supported")
