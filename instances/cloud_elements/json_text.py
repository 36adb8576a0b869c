"""Read JSON from a stranger: bounded, and nothing in it that a database cannot hold."""

import json
import math
import re

MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_NODES = 100_000
MAX_INTEGER = 2**63
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def parse_json(body: bytes) -> object:
    """
    Return the document in `body`, made storable in every database we support.

    What lies deeper than 32 levels becomes null, so that a deep value does not hide the id and
    the token beside it. NaN and infinities become null, integers beyond 64 bits become text, NUL
    and lone surrogates become U+FFFD.

    :raises ValueError: it is not JSON.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    parsed = json.loads(
        _cut_depth(text), parse_constant=lambda _name: None, parse_int=_integer, parse_float=_float
    )
    return _Storable().clean(parsed)


def _cut_depth(text: str) -> str:
    """Replace what is nested too deep by null, without recursion."""
    pieces, depth, start = [], 0, 0
    for token in TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces.append(text[start : token.start()] + "null")
        elif token[0] in "]}":
            depth -= 1
            if depth == MAX_DEPTH:
                start = token.end()
    if depth > MAX_DEPTH:
        raise ValueError("The document does not end.")
    return "".join([*pieces, text[start:]])


def _integer(digits: str) -> int | str:
    if len(digits) > 20:
        return digits[:40]
    value = int(digits)
    return value if abs(value) < MAX_INTEGER else digits


def _float(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


class _Storable:
    """Counts what it has passed, so that a document of a million keys stays small."""

    def __init__(self) -> None:
        self.nodes = 0

    def clean(self, value: object) -> object:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            return None
        if isinstance(value, str):
            return storable(value)
        if isinstance(value, list):
            return [self.clean(item) for item in value[:MAX_NODES]]
        if isinstance(value, dict):
            items = list(value.items())[:MAX_KEYS]
            return {storable(key): self.clean(item) for key, item in items}
        return value


def storable(text: str) -> str:
    """Replace the characters that PostgreSQL or a driver refuses."""
    return UNSTORABLE.sub("\ufffd", text)


def clean_text(value: object, limit: int) -> str:
    """Return one line of at most `limit` characters without control or direction characters."""
    if not isinstance(value, str):
        return ""
    return " ".join(INVISIBLE.sub(" ", value).split())[:limit]
