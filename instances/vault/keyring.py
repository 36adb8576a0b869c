"""The key ring: root keys by id, where they come from, and whether they fit what is stored."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import stat
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import DatabaseError, connection

from instances.models import SealingKey

KEY_ID = re.compile(r"[a-z0-9]{1,16}")
MAKE_ONE = "Make one with: python manage.py key_ring make"


class VaultError(Exception):
    """Sealed values cannot be made or opened; the message says which key and what to do."""


class KeyRingError(VaultError):
    """The key ring is missing, malformed, or not the one that sealed what is stored."""


@dataclass(frozen=True)
class KeyRing:
    """Root keys by id, one of them primary: it seals, all of them open."""

    primary: str
    keys: dict[str, bytes] = field(repr=False)

    def derive(self, key_id: str, use: str) -> bytes:
        """Return the 32-byte key for one use, so that no root key is used for two things."""
        return _derive(self.keys[key_id], use)


@lru_cache(maxsize=64)
def _derive(root: bytes, use: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"elementdesk {use}".encode()).derive(root)


def parse_ring(text: str) -> KeyRing:
    """
    Read a key ring from JSON: `{"primary": id, "keys": {id: base64 of 32 bytes}}`.

    :raises KeyRingError: it cannot be read; nothing is guessed.
    """
    try:
        ring = json.loads(text)
        keys = {str(k): base64.b64decode(v, validate=True) for k, v in ring["keys"].items()}
        primary = str(ring["primary"])
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise KeyRingError(
            'The key ring is not JSON of the form {"primary": …, "keys": {…}}.'
        ) from error
    for key_id, key in keys.items():
        if not KEY_ID.fullmatch(key_id) or len(key) != 32:
            raise KeyRingError(
                f"Key {key_id!r} of the key ring is not 32 bytes in base64 under a name "
                "of up to 16 lower-case letters and digits."
            )
    if primary not in keys:
        raise KeyRingError(f"The primary key {primary!r} is not in the key ring.")
    return KeyRing(primary, keys)


def read_ring() -> KeyRing:
    """
    Read the ring from the one place that the settings name.

    :raises KeyRingError: none or two places named, or unreadable, or readable by others.
    """
    text, path = settings.VAULT["KEYRING"], settings.VAULT["KEYRING_FILE"]
    if bool(text) == bool(path):
        both = "Both ELEMENTDESK_KEYRING and ELEMENTDESK_KEYRING_FILE are set: keep one."
        none = f"No key ring: set ELEMENTDESK_KEYRING_FILE or ELEMENTDESK_KEYRING. {MAKE_ONE}"
        raise KeyRingError(both if text else none)
    return parse_ring(text or _read_private(Path(path)))


def _read_private(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRingError(f"The key ring file {path} cannot be read. {MAKE_ONE}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRingError(f"The key ring file {path} is open to others: chmod 600 {path}")
    return text


@lru_cache(maxsize=1)
def ring() -> KeyRing:
    """Return this process's key ring, read once and compared with what sealed the stored rows."""
    read = read_ring()
    verify(read)
    return read


def check_value(key: bytes) -> str:
    """Return a value that tells one key from another without telling the key."""
    return hmac.new(_derive(key, "check"), b"check", hashlib.sha256).hexdigest()


def verify(candidate: KeyRing) -> None:
    """
    Compare a ring with the keys that sealed what is stored.

    :raises KeyRingError: a key is missing or is another one of the same name.
    """
    for row in _registered():
        key = candidate.keys.get(row.key_id)
        if key is None:
            raise KeyRingError(
                f"Key {row.key_id!r} is missing from the key ring, and values sealed with it are "
                "stored. Put it back; it may leave only after `manage.py key_ring retire`."
            )
        if not hmac.compare_digest(check_value(key), row.check_value):
            raise KeyRingError(
                f"Key {row.key_id!r} of the key ring is not the key of that name that sealed the "
                "stored values. Restore the key ring that belongs to this database."
            )


def _registered() -> list[SealingKey]:
    try:
        if SealingKey._meta.db_table not in connection.introspection.table_names():
            return []  # before the first migration nothing is stored
    except DatabaseError as error:
        raise KeyRingError("The database cannot be asked which keys it needs.") from error
    return list(SealingKey.objects.filter(retired_at=None))


def stop_unless_ready() -> None:
    """End this process with exit code 78 (EX_CONFIG) and one sentence if the ring does not fit."""
    try:
        ring()
    except KeyRingError as error:
        _stop(str(error))


def _stop(sentence: str) -> NoReturn:
    sys.stderr.write(f"Elementdesk does not start: {sentence}\n")
    sys.stderr.flush()
    sys.exit(78)
