"""Read JSON from a stranger: bounded, and nothing in it that a database cannot hold."""

import json
import math
import re
from collections import Counter

MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_NODES = 100_000
# Brackets and commas: more of them would cost more memory once parsed than any true answer does.
MAX_MARKS = 2**21
MAX_INTEGER = 2**63
# Possessive, and a string need not end: no text makes this look at a character twice.
STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
# Nothing nested in it.
FLAT = re.compile(r"[\[{][^\[\]{}]*+[\]}]")
# So many digits in a row as 64 bits may not hold.
LONG_NUMBER = re.compile(r"[0-9]{19}")
TOKENS = re.compile(STRING.pattern + r"|[\[\]{}]", re.DOTALL)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def parse_json(body: bytes, *, whole: bool = False) -> object:
    """
    Return the document in `body`, made storable in every database we support.

    What lies deeper than 32 levels becomes null, so that a deep value does not hide the id and
    the token beside it. NaN and infinities become null, integers beyond 64 bits become text, NUL
    and lone surrogates become U+FFFD, a key given twice becomes null; of too many keys or values the rest is left out.

    :raises ValueError: it is not JSON, or, if it must be `whole`, some values had to be left out.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    marks = sum(map(text.count, ",[{"))
    if marks > MAX_MARKS:
        raise ValueError("The document has too many parts.")
    parsed = json.loads(
        _cut_depth(text),
        object_pairs_hook=_unambiguous,
        parse_constant=lambda _name: None,
        # Asked of every number, it would be a large part of reading a long list.
        parse_int=_integer if LONG_NUMBER.search(text) else None,
        parse_float=_float,
    )
    # Every value but the first, and every key, follows a mark; only escapes bring what is unstorable.
    if marks < MAX_KEYS and "\\u" not in text:
        return parsed
    storable_form = _Storable()
    cleaned = storable_form.clean(parsed)
    if whole and storable_form.room < 0:
        raise ValueError("The document has too many values.")
    return cleaned


def _cut_depth(text: str) -> str:
    """Replace what is nested too deep by null, without recursion."""
    if text.count("[") + text.count("{") <= MAX_DEPTH or _is_shallow(text):
        return text
    pieces, depth, start = [], 0, 0
    for token in TOKENS.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces.append(text[start : token.start()] + "null")
        elif token[0] in ("]", "}"):
            depth -= 1
            if depth == MAX_DEPTH:
                start = token.end()
    if depth > MAX_DEPTH:
        raise ValueError("The document does not end.")
    return "".join([*pieces, text[start:]])


def _is_shallow(text: str) -> bool:
    """Tell quickly whether nothing in it is nested too deep, by taking away the innermost parts."""
    left = STRING.sub("", text)
    for _ in range(MAX_DEPTH):
        left, found = FLAT.subn("", left)
        if not found:
            break
    return not any(mark in left for mark in "[]{}")


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object in which a key that was given twice says nothing."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _value in pairs)
        found |= dict.fromkeys(key for key, count in counts.items() if count > 1)
    return found


def _integer(digits: str) -> int | str:
    if len(digits) > 20:
        return digits[:40]
    value = int(digits)
    return value if abs(value) < MAX_INTEGER else digits


def _float(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


class _Storable:
    """Counts what it has passed, so that a document of a million values stays small."""

    def __init__(self) -> None:
        self.room = MAX_NODES

    def clean(self, value: object) -> object:
        self.room -= 1
        if isinstance(value, str):
            return storable(value)
        if isinstance(value, list):
            return [self.clean(item) for item in value if self._has_room()]
        if isinstance(value, dict):
            return self._object(value)
        return value

    def _object(self, value: dict[str, object]) -> dict[str, object]:
        # Single values first: a huge neighbor must not use up the room of the id and the token.
        items = sorted(list(value.items())[:MAX_KEYS], key=lambda item: _is_container(item[1]))
        return {storable(key): self.clean(item) for key, item in items if self._has_room()}

    def _has_room(self) -> bool:
        if self.room == 0:
            self.room = -1
        return self.room > 0


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list)


def storable(text: str) -> str:
    """Replace the characters that PostgreSQL or a driver refuses."""
    return UNSTORABLE.sub("\ufffd", text)


def clean_text(value: object, limit: int) -> str:
    """
    Return one line of at most `limit` characters, nothing in it that hides.

    Line ends and control characters become spaces; characters without width, and those that
    turn the direction of writing, become U+FFFD.
    """
    if not isinstance(value, str):
        return ""
    text = value[:limit]
    # As nearly every text is.
    if text.isascii() and text.isprintable():
        return text.strip()
    return INVISIBLE.sub("\ufffd", CONTROL.sub(" ", text)).strip()
