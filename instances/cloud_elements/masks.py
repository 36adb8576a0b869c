"""Mask what looks secret before anybody stores it, and never send a mask."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MASK = "********"
MASKED = re.compile(r"[*\u2022\u25cf]{4,}")
# Key names; the platform marks some secrets as plain text fields, so types do not suffice.
SECRET_KEY = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|authoriz|signature|private"
    r"|api[._-]?key|access[._-]?key|oauth\.api\.key|callback\.headers|cert|pfx|keystore|session"
    r"|\bpin\b|\bpwd\b",
    re.IGNORECASE,
)
SHORTEST = 4


def masked_configuration(
    configuration: Mapping[str, object], secrets: Sequence[str]
) -> dict[str, str | None]:
    """
    Return every entry as text or null, secret ones as eight asterisks.

    An entry is secret by its name, or because it contains one of `secrets` (what was sent), plain
    or in base64 or URL form. Passwords inside URLs are masked too.
    """
    forms = tuple(form for secret in secrets for form in _forms(secret))
    return {key: _masked(key, value, forms) for key, value in configuration.items()}


def _forms(secret: str) -> set[str]:
    if len(secret) < SHORTEST:
        return set()
    encoded = base64.b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
    return {secret, quote(secret, safe=""), quote(secret), encoded}


def _masked(key: str, value: object, forms: Sequence[str]) -> str | None:
    if value is None:
        return None
    text = _as_text(value, forms)
    if text and (SECRET_KEY.search(key) or any(form in text for form in forms)):
        return MASK
    return _masked_url(text) if "://" in text else text


def _as_text(value: object, forms: Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        masked = {str(key): _masked(str(key), item, forms) for key, item in value.items()}
        return json.dumps(masked)
    if isinstance(value, list):
        return json.dumps([_masked("", item, forms) for item in value])
    return str(value)


def _masked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{MASK}@{host}" if "@" in parts.netloc else host
    if any(SECRET_KEY.search(key) for key, _value in query):
        hidden = [(key, MASK if SECRET_KEY.search(key) else value) for key, value in query]
        return urlunsplit(parts._replace(netloc=netloc, query=urlencode(hidden, safe="*")))
    return urlunsplit(parts._replace(netloc=netloc)) if "@" in parts.netloc else text


def without(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with every form of every secret replaced by the mask."""
    for secret in secrets:
        for form in sorted(_forms(secret), key=len, reverse=True):
            text = text.replace(form, MASK)
    return text


def holds_mask(document: object) -> bool:
    """Tell whether a value to be sent consists of mask characters only, however deep."""
    if isinstance(document, str):
        return MASKED.fullmatch(document) is not None
    if isinstance(document, Mapping):
        return any(holds_mask(value) for value in document.values())
    return isinstance(document, list | tuple) and any(holds_mask(item) for item in document)
