"""The API as a whole: reads JSON strictly, and describes itself as it answers."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja import NinjaAPI, Router
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from instances.api.shapes import Problem
from instances.problems import CONTENT_TYPE

# One for all, since an address is looked for in one only.
router = Router()
# What any address may answer before its own function runs.
ALWAYS = (401, 403, 404, 405, 413, 429, 500, 503)
WITH_BODY = (400, 415, 422)
DESCRIBED = {
    400: "The body cannot be read",
    401: "No key, or one that is not taken",
    403: "The key lacks the scope",
    404: "Missing, or not for this key",
    405: "The address does not take this method",
    409: "Not possible as it stands now",
    412: "Changed since it was read",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "Some entries cannot be used",
    428: "If-Match is missing",
    429: "Too many requests in this minute",
    500: "Something went wrong on the server",
    503: "Not now: try again after Retry-After",
}


def told(success: dict[int, Any], *others: int, body: bool = False) -> dict[int, Any]:
    """Return every status of an operation: its successes, and each problem that it may answer."""
    statuses = {*ALWAYS, *others, *(WITH_BODY if body else ())}
    return success | dict.fromkeys(sorted(statuses), Problem)


class StrictParser(Parser):
    """JSON as it is defined: no NaN, and no name twice."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, parse_constant=_refuse, object_pairs_hook=_once)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a value of JSON.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands there twice.")
    return found


class Api(NinjaAPI):
    """Problems have a media type of their own, and some answers have headers."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the document, with what the library cannot know of the answers."""
        schema = super().get_openapi_schema(**options)
        for methods in schema["paths"].values():
            for operation in methods.values():
                _describe(operation)
        return schema


def _describe(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            continue
        answer["description"] = DESCRIBED[int(status)]
        if (content := answer.get("content")) and "application/json" in content:
            content[CONTENT_TYPE] = content.pop("application/json")
        if headers := HEADERS.get(int(status)):
            answer["headers"] = headers


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


HEADERS = {
    401: {"WWW-Authenticate": _header("How to come in")},
    405: {"Allow": _header("The methods that it takes")},
    429: {"Retry-After": _header("Seconds to wait")},
}
