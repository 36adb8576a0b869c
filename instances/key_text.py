"""What an API key looks like, so that scanners find one that leaked and tell it from chance."""

import re
import secrets
import string
import zlib

from instances.secret import Secret

LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
MARK = "edk_"
NAMED, HIDDEN, CHECKED = 10, 40, 6
# The same stands in docs/operations/api-key-scanner.toml.
SHAPE = re.compile(rf"{MARK}[0-9A-Za-z]{{{NAMED + HIDDEN + CHECKED}}}")


def make() -> Secret:
    """Return a new key: a mark, ten letters that name it, forty by chance (238 bits), a checksum."""
    body = MARK + "".join(secrets.choice(LETTERS) for _ in range(NAMED + HIDDEN))
    return Secret(body + checksum(body))


def checksum(body: str) -> str:
    """Return the CRC-32 of what stands before it, as six letters and digits."""
    rest, found = zlib.crc32(body.encode()), ""
    for _ in range(CHECKED):
        rest, digit = divmod(rest, len(LETTERS))
        found = LETTERS[digit] + found
    return found


def prefix_of(text: str) -> str:
    """Return what names a key and may be shown; empty if the text is no key of ours."""
    if not SHAPE.fullmatch(text) or checksum(text[:-CHECKED]) != text[-CHECKED:]:
        return ""
    return text[: len(MARK) + NAMED]
