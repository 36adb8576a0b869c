"""The API's documentation: a page made of the document that programs read, on our own origin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

Schema = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One parameter, or one entry of a body or an answer."""

    name: str
    kind: str
    is_required: bool
    about: str
    place: str = ""


@dataclass(frozen=True)
class Described:
    """One thing that can be asked of the API."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: list[Entry]
    body: list[Entry]
    answers: list[tuple[str, str, str]]


def documentation(api: NinjaAPI) -> Callable[[HttpRequest], HttpResponse]:
    """Return the page about `api`, for whoever is signed in."""

    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        document = api.get_openapi_schema(path_prefix="/api/v1/")
        parts = document["components"]["schemas"]
        groups: dict[str, list[Described]] = {}
        for path, methods in document["paths"].items():
            for method, told in methods.items():
                described = _described(path, method, told, parts)
                groups.setdefault(told["tags"][0], []).append(described)
        shapes = [
            (name, shape.get("description", ""), _entries(shape))
            for name, shape in sorted(parts.items())
        ]
        context = {"groups": groups.items(), "shapes": shapes, "about": document["info"]}
        context["address"] = request.build_absolute_uri("/api/v1/")
        return render(request, "api/documentation.html", context)

    return page


def _described(path: str, method: str, told: Schema, parts: Schema) -> Described:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    shape = body.get("schema", {})
    shape = parts[_part(shape)] if _part(shape) else shape
    return Described(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        about=told.get("description", ""),
        parameters=[_parameter(one) for one in told["parameters"]],
        body=_entries(shape),
        answers=[_answer(status, one) for status, one in sorted(told["responses"].items())],
    )


def _parameter(told: Schema) -> Entry:
    about = str(told.get("description", ""))
    return Entry(told["name"], _kind(told["schema"]), told["required"], about, told["in"])


def _entries(shape: Schema) -> list[Entry]:
    needed = shape.get("required", [])
    return [
        Entry(name, _kind(one), name in needed, str(one.get("description", "")))
        for name, one in shape.get("properties", {}).items()
    ]


def _answer(status: int | str, told: Schema) -> tuple[str, str, str]:
    content: Schema = next(iter(told.get("content", {}).values()), {})
    return str(status), told["description"], _part(content.get("schema", {}))


def _part(shape: Schema) -> str:
    return str(shape.get("$ref", "")).rpartition("/")[2]


def _kind(shape: Schema) -> str:
    """Return what a value may be, in words."""
    if name := _part(shape):
        return name
    if several := shape.get("anyOf"):
        return " or ".join(dict.fromkeys(_kind(one) for one in several))
    if choices := shape.get("enum"):
        return " | ".join(str(choice) or "(empty)" for choice in choices)
    if shape.get("type") == "array":
        return f"list of {_kind(shape.get('items', {}))}"
    return str(shape.get("format") or shape.get("type") or "anything")
