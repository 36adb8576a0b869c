"""In which shapes a secret turns up where it should not be: plain, quoted, encoded, turned around."""

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote

# A code on paper has 49 random bits in so many letters.
SHORTEST = 10
# A run of letters and digits this long stays the same under every kind of quoting.
CORE = re.compile(r"[A-Za-z0-9]{16,}")


def forms_of(secret: str | bytes) -> dict[bytes, str]:
    """
    Return what to search for in lower-cased bytes, each with the name of its encoding.

    :raises ValueError: the secret is so short that it would be found by chance.
    """
    if len(secret) < SHORTEST:
        raise ValueError("a secret this short would be found by chance")
    found: dict[bytes, str] = {}
    for name, text in _texts(secret) if isinstance(secret, str) else ():
        found.setdefault(text.encode().lower(), name)
    for name, form in _bytes(secret.encode() if isinstance(secret, str) else secret):
        found.setdefault(form.lower(), name)
    return found


def _texts(secret: str) -> Iterator[tuple[str, str]]:
    yield "plain", secret
    for core in CORE.findall(secret):
        yield "in part", core
        yield "in part, reversed", core[::-1]
    yield "url", quote(secret)
    yield "url", quote(secret, safe="")
    yield "url twice", quote(quote(secret, safe=""), safe="")
    yield "html", html.escape(secret)
    yield "json", json.dumps(secret)[1:-1]
    yield "json", json.dumps(secret, ensure_ascii=False)[1:-1]


def _bytes(raw: bytes) -> Iterator[tuple[str, bytes]]:
    yield "plain", raw
    yield "reversed", raw[::-1]
    yield "hex", raw.hex().encode()
    # Without the last zero it is found in either byte order.
    yield "utf-16", b"\0".join(raw[at : at + 1] for at in range(len(raw)))
    for shift, cut in ((0, 0), (1, 2), (2, 3)):
        # What stays the same whatever stands before and behind.
        whole = base64.b64encode(b"\0" * shift + raw)[cut : (shift + len(raw)) * 8 // 6]
        yield f"base64 at {shift}", whole
        yield f"url-safe base64 at {shift}", whole.translate(bytes.maketrans(b"+/", b"-_"))
