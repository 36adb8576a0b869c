"""Codes that change every 30 seconds (TOTP, RFC 6238), and codes on paper."""

import base64
import hashlib
import secrets
import time
from urllib.parse import quote

import segno
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

PERIOD = 30
# How many periods a clock may be wrong, either way.
DRIFT = 1
ISSUER = "Elementdesk"
# Without letters and digits that are taken for each other.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_seed() -> str:
    """Return 160 random bits in the letters that apps take."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(seed: str, step: int) -> str:
    """Return the six digits of one period."""
    # The only algorithm that all apps know; how strong SHA-1 is matters little to an HMAC.
    return HOTP(base64.b32decode(seed), 6, SHA1()).generate(step).decode()  # noqa: S303  # see above


def present_step() -> int:
    """Return the number of the present period."""
    return int(time.time()) // PERIOD


def step_of(seed: str, code: str) -> int | None:
    """Return the period that `code` is of, among those that count now; None: of none of them."""
    typed = "".join(code.split())
    now = present_step()
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if constant_time.bytes_eq(code_at(seed, step).encode(), typed.encode()):
            found = step
    return found


def app_address(seed: str, account: str) -> str:
    """Return the address that an app reads from the picture."""
    label = quote(f"{ISSUER}:{account}")
    return f"otpauth://totp/{label}?secret={seed}&issuer={ISSUER}&algorithm=SHA1&digits=6&period={PERIOD}"


def picture(text: str) -> str:
    """Return a QR code as an SVG element without any style of its own; its colors are the page's."""
    code = segno.make_qr(text, error="m")
    size = code.symbol_size(border=0)[0]
    dark = (
        f"M{x} {y}h1v1h-1z"
        for y, row in enumerate(code.matrix)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    path = "".join(dark)
    return f'<svg class="qr" viewBox="-4 -4 {size + 8} {size + 8}" role="img" aria-label="QR code for an authenticator app"><path d="{path}"/></svg>'


def new_paper_code() -> str:
    """Return a code of 49 random bits, such as abcde-fgh23."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def digest_of(code: str) -> str:
    """Return the hash under which a code on paper is kept, however it is written."""
    plain = "".join(letter for letter in code.lower() if letter in LETTERS)
    return hashlib.sha256(plain.encode()).hexdigest()
