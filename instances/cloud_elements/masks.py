"""Mask what looks secret before anybody stores it, and never send a mask."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, quote_plus, unquote

from instances.secret_names import MASK, is_secret_name

# As `masked_configuration` leaves it: alone, as the user part of a URL, as a parameter's value, or
# quoted inside a document that is text.
MASKED = re.compile(r"""(?:^|://|=|")\s*\*{8,}\s*(?:$|[@&;#"\s])""")
USER_PART = re.compile(r"://[^/?#\s]*@")
PARAMETER = re.compile(r"(?<![\w.%\[\]-])([\w.%\[\]-]++)=([^&;#\s]+)")
# Nothing in it looks different in JSON, HTML, a URL or quotes.
PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
SHORTEST = 4
SHORTEST_PART = 6


def masked_configuration(
    configuration: Mapping[str, object], secrets: Sequence[str]
) -> dict[str, str | None]:
    """
    Return every entry as text or null, secret ones as eight asterisks.

    An entry is secret by its name, or because it contains one of `secrets` (what was sent), plain
    or in URL, JSON or base64 form. Passwords and secret parameters inside URLs are masked too.
    """
    forms = _forms(secrets)
    return {key: _masked(key, value, forms) for key, value in configuration.items()}


def _forms(secrets: Iterable[str]) -> list[str]:
    """Return every form of every secret, longest first."""
    # One value often comes more than once: from the request and from what was sealed.
    longer = {secret for secret in secrets if len(secret) >= SHORTEST}
    found = {form for secret in longer for form in _written(secret)}
    return sorted(found, key=len, reverse=True)


def _written(secret: str) -> Iterator[str]:
    encoded = secret.encode("utf-8", "replace")
    yield from (part for part in _base64_parts(encoded) if len(part) >= SHORTEST_PART)
    yield secret
    if PLAIN.fullmatch(secret):
        return
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    # As a Python or SQL error writes it, in either kind of quotes.
    yield from (repr(secret)[1:-1], secret.replace("\\", "\\\\").replace("'", "\\'"))
    yield from (secret.replace("'", "''"), secret.replace('"', '""'), html.escape(secret))
    for quoted in (quote(encoded, safe=""), quote(encoded), quote_plus(encoded)):
        yield from (quoted, re.sub("%..", lambda found: found[0].lower(), quoted))


def _base64_parts(encoded: bytes) -> Iterator[str]:
    """Return what stays the same of base64 whatever stands before and behind (user:password)."""
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(encoded)) * 8 // 6
        text = base64.b64encode(b"\0" * before + encoded).decode()[cut:whole]
        yield from (text, text.replace("+", "-").replace("/", "_"))


def _masked(key: str, value: object, forms: Sequence[str]) -> str | None:
    if value is None:
        return None
    text = _as_text(value, forms)
    if text and (is_secret_name(key) or any(form in text for form in forms)):
        return MASK
    return PARAMETER.sub(_masked_parameter, USER_PART.sub(f"://{MASK}@", text))


def _as_text(value: object, forms: Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(_masked_tree(value, forms))
    return str(value)


def _masked_tree(value: object, forms: Sequence[str], key: str = "") -> object:
    """Mask the leaves; a list belongs to the name above it."""
    if isinstance(value, dict):
        return {name: _masked_tree(item, forms, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked_tree(item, forms, key) for item in value]
    masked = _masked(key, value, forms)
    return masked if isinstance(value, str) or masked == MASK else value


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}={MASK}" if is_secret_name(unquote(found[1])) else found[0]


def without(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every form of every secret replaced by the mask."""
    for form in _forms(secrets):
        text = text.replace(form, MASK)
    return text


def holds_mask(document: object) -> bool:
    """Tell whether a mask stands in a value to be sent, where a mask would be put, however deep."""
    if isinstance(document, str):
        return MASKED.search(document) is not None
    if isinstance(document, Mapping):
        return any(holds_mask(value) for value in document.values())
    return isinstance(document, list | tuple) and any(holds_mask(item) for item in document)
