"""Texts that try to become markup, script, template or another direction of writing."""

import re
from collections.abc import Iterable
from functools import cache
from itertools import product

from tests.hostile_markup import (
    CANARY,
    ELEMENTS,
    EVIL,
    HANDLERS,
    HTMX,
    MARKUP,
    SCRIPTS,
    TEMPLATES,
    UNENDED,
    URLS,
    VECTORS,
)

DIRECTIONS = (
    "\u202etxt.exe",
    "\u202e\u202d\u202b\u202a open",
    "\u2066isolate that does not end",
    "\u2067isolate\u2069 that ends twice\u2069",
    "\u2068\u2068\u2068",
    "end\u202c\u202c\u2069\u2069",
    "\u200fright\u200eleft\u061c",
    "\u202e<script>canary()</script>\u202c",
    "\u05d7\u05e9\u05d1\u05d5\u05e0\u05d9\u05ea",
    "\u0641\u0627\u062a\u0648\u0631\u0629 1234 (5)",
    "\u05d0\u05d1\u05d2 abc \u05d3\u05d4\u05d5 (7)",
    "123 \u0634\u0631\u0643\u0629: \u0627\u0644\u0627\u0633\u0645!",
)
CHARACTERS = (
    "zero\u200bwidth\u200c\u200d\ufeff\u2060",
    "\u200b",
    "\u2060\u2060\u2060",
    "soft\u00adhy\u00adphen",
    "Z" + "\u0301" * 60,
    "H\u0336e\u0336" + "".join(chr(0x300 + n % 80) for n in range(120)),
    "\u0e01" + "\u0e49" * 40,
    "\U000e0041\U000e0042\U000e007f",
    "\ufff9anchor\ufffatext\ufffb",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 8,
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\U0001f1e9\U0001f1ea" * 30,
    "\u2764\ufe0f\u20e3",
    "\ufdfd" * 12,
    "\U0001242b" * 12,
    "\u0410pple \u0440aypal",
    "\uff26\uff55\uff4c\uff4c\uff57\uff49\uff44\uff54\uff48",
    "\x01\x02\x07\x08\x0b\x0c\x0e\x1b[31mred\x1b[0m\x7f",
    "\x80\x85\x9b31m\x9f",
    "line\nline\r\nline\rline",
    "line\u2028line\u2029line",
    "tab\ttab\t\ttab",
    " spaces  on  every  side ",
    "\u00a0\u3000\u2003",
    "\ufffd\ufffe\uffff",
    "\U0010ffff\ue000",
    "nul\\u0000 nul\\0 nul%00",
)
LENGTHS = (
    "W" * 600,
    "w" * 599 + "-",
    "\u4e2d" * 600,
    "\ufdfa" * 60,
    "1" * 600,
    "_" * 600,
    "\u00a0".join(["word"] * 120),
    "https:" + EVIL + "/" + "a" * 560,
    "x/" * 300,
    "<b>" * 200,
    "&" * 600,
)
VALUES = (
    *("0", "-1", "1e999", "NaN", "Infinity", "0x7f", "007", "9223372036854775808", "1,000.00"),
    *("true", "false", "null", "None", "undefined", "[object Object]", "[]", "{}"),
    *('{"a": "</script>"}', "2026-02-30T25:61:61Z", "1' OR '1'='1", "'; DROP TABLE x; --"),
    *(
        "=1+1",
        '=HYPERLINK("//evil.invalid")',
        "+1+1",
        "-1+1",
        "@SUM(1+1)",
        "\t=1+1",
        "|cmd|' /C calc'!A0",
    ),
    *(".", "..", "#main", "/", "//", "?", "con", "__proto__", "constructor", "toString"),
)
# What only a database without a rule of its own keeps, and what JSON can say: from the platform.
UNSTORABLE = (
    "nul\x00nul",
    "\x00",
    f"<scr\x00ipt>{CANARY}</scr\x00ipt>",
    f"<img src=x one\x00rror={CANARY}>",
    f"java\x00script:{CANARY}",
    "lone\ud800high",
    "lone\udc00low",
    "\udc00\ud800turned round",
    "\ud83d",
    f"\ud800<script>{CANARY}</script>",
)


def storable() -> list[str]:
    """Return every text that a database takes, each once."""
    handlers = [element.format(on=on) for element, on in product(ELEMENTS, HANDLERS)]
    families = (SCRIPTS, handlers, MARKUP, VECTORS, URLS, TEMPLATES, HTMX, UNENDED)
    others = (DIRECTIONS, CHARACTERS, LENGTHS, VALUES)
    return list(dict.fromkeys(text for family in (*families, *others) for text in family))


def together(texts: Iterable[str], limit: int) -> list[str]:
    """Return `texts` in as few lines of at most `limit` characters as their order allows."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) < limit:
            lines[-1] += f" {text}"
        else:
            lines.append(text[:limit])
    return lines


def short() -> list[str]:
    """Return those that fit everywhere, as a page shows them: a browser knows one end of a line."""
    ends = re.compile("\r\n?")
    return [ends.sub("\n", text.strip()) for text in storable() if len(text) <= 40]


@cache
def _lines(limit: int) -> list[str]:
    return together(storable(), limit)


def hostile(number: int, limit: int) -> str:
    """Return what stands in row `number` of a place that takes `limit` characters."""
    return _lines(limit)[number % len(_lines(limit))]


def harmless(number: int, limit: int) -> str:
    """Return a text for the same place that asks for nothing, different where the hostile one is."""
    return f"Plain {number % len(_lines(limit))}"
