"""True answers with something hostile inside: the "hostile json" fault, by kind."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

Document = dict[str, Any]

BIDI = "\u202etxt.exe\u2066 \u200f"
SCRIPT = "<script>alert('name')</script>\"><img src=x onerror=alert(1)>{{7*7}}"


def _renamed(addition: str) -> Callable[[Document], str]:
    return lambda document: json.dumps(document | {"name": f"{document.get('name', '')}{addition}"})


def _literal(literal: str) -> Callable[[Document], str]:
    """Add a field whose value is this text, unquoted."""
    return lambda document: json.dumps(document)[:-1] + f', "maxCacheSize": {literal}}}'


def _duplicated(document: Document) -> str:
    return json.dumps(document)[:-1] + ', "id": 1, "name": "second", "token": "second"}'


def _tagged(document: Document) -> str:
    tags = list(document.get("tags", []))
    return json.dumps(document | {"tags": tags + [f"tag-{n}" for n in range(10_000)]})


def _many_keys(document: Document) -> str:
    return f"{json.dumps(document)[:-1]}, {_keys()}}}"


@cache
def _keys() -> str:
    # Piece by piece: the encoder of a whole document would let no other thread run meanwhile.
    return ", ".join(f'"key-{n}": {n}' for n in range(1_000_000))


def _scripted(document: Document) -> str:
    element = dict(document.get("element", {})) | {"description": SCRIPT, "image": "javascript:0"}
    name = f"{document.get('name', '')}{SCRIPT}"
    return json.dumps(document | {"name": name, "element": element})


KINDS: dict[str, Callable[[Document], str]] = {
    "nul": _renamed("\x00"),
    "surrogate": _renamed("\ud800"),
    "control characters": _renamed("\x1b[31m\r\n\x07"),
    "bidi": _renamed(BIDI),
    "script": _scripted,
    "megabyte name": _renamed("n" * 1_000_000),
    "ten thousand tags": _tagged,
    "duplicate keys": _duplicated,
    "nan": _literal("NaN"),
    "infinity": _literal("-Infinity"),
    "huge number": _literal("9" * 5_000),
    "deep nesting": _literal("[" * 1_000_000 + "]" * 1_000_000),
    "deep objects": _literal('{"a":' * 100_000 + "1" + "}" * 100_000),
    "many keys": _many_keys,
}
