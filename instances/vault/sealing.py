"""Seal and open one value, bound to its table, field, row and context."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from enum import StrEnum

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from instances.models import (
    AuditKey,
    Candidate,
    Consent,
    Evidence,
    Instance,
    OperationSecret,
    Organization,
    RecoveryCode,
    SealingKey,
    SecondFactor,
    Webhook,
)
from instances.secret import Secret
from instances.vault.keyring import KeyRing, VaultError, check_value, ring

logger = structlog.get_logger(__name__)

FORMAT = "ce1"
PADDING = 64

SealedRow = (
    AuditKey
    | Candidate
    | Consent
    | Organization
    | Instance
    | Evidence
    | OperationSecret
    | SecondFactor
    | RecoveryCode
    | Webhook
)


class UnreadableError(VaultError):
    """One sealed value does not open: damaged, moved, or sealed for another context."""


class Purpose(StrEnum):
    """Why a secret is opened; it is logged with the row, so that every opening is explained."""

    CALL = "call the platform"
    PROVISION = "send the provider's credentials"
    CONSENT = "lead a person to a provider, and back"
    ADOPT = "store the token that was seen"
    SHOW = "show or copy the token for a person"
    CHANGE = "send a change of an instance"
    COMPARE = "compare with what the platform shows"
    RESEAL = "seal again with the primary key"
    CHECK = "check that it opens"
    VERIFY = "verify the record"
    PROVE = "check a second factor"
    TELL = "deliver a message to a webhook"


def _register(key_id: str, root: bytes) -> None:
    # Ignoring conflicts makes this one cheap statement, repeated until some commit holds it.
    SealingKey.objects.bulk_create(
        [SealingKey(key_id=key_id, check_value=check_value(root))], ignore_conflicts=True
    )


def seal(row: SealedRow, name: str, plaintext: str) -> str:
    """
    Return `plaintext` sealed for the column `name` of `row`, whose id must be set already.

    The form is `ce1.<key id>.<nonce>.<ciphertext>`; the length is hidden in steps of 64 bytes.
    """
    return seal_with(ring(), row, name, plaintext)


def seal_with(keys: KeyRing, row: SealedRow, name: str, plaintext: str) -> str:
    """Seal with the primary key of a given ring (for rotation, which holds the next ring)."""
    _register(keys.primary, keys.keys[keys.primary])
    return _sealed(keys, row, name, plaintext)


def seal_all(rows: Sequence[SealedRow], name: str, plaintexts: Sequence[str]) -> list[str]:
    """Return each of `plaintexts` sealed for the column `name` of its row; see `seal`."""
    keys = ring()
    _register(keys.primary, keys.keys[keys.primary])
    pairs = zip(rows, plaintexts, strict=True)
    return [_sealed(keys, row, name, plaintext) for row, plaintext in pairs]


def _sealed(keys: KeyRing, row: SealedRow, name: str, plaintext: str) -> str:
    key_id = keys.primary
    nonce = os.urandom(12)
    text = plaintext.encode()
    padded = text + b"\x80" + b"\x00" * (-(len(text) + 1) % PADDING)
    cipher = AESGCM(keys.derive(key_id, "seal"))
    sealed = cipher.encrypt(nonce, padded, _binding(row, name, key_id))
    return ".".join([FORMAT, key_id, _encode(nonce), _encode(sealed)])


def open_sealed(row: SealedRow, name: str, *, purpose: Purpose) -> Secret:
    """
    Return the plaintext of the sealed column `name` of `row`.

    :raises UnreadableError: damaged, moved from another row, field, origin, or of an unknown key.
    """
    plaintext = open_with(ring(), row, name)
    logger.debug("opened", table=row._meta.db_table, field=name, row=str(row.pk), why=purpose)
    return Secret(plaintext)


def open_with(keys: KeyRing, row: SealedRow, name: str) -> str:
    """Open with a given ring (for rotation and checks); see `open_sealed`."""
    where = f"{row._meta.db_table}.{name} of {row.pk}"
    parts = str(getattr(row, name)).split(".")
    if len(parts) != 4 or parts[0] != FORMAT:
        raise UnreadableError(f"{where} is not a sealed value of a known form.")
    key_id = parts[1]
    if key_id not in keys.keys:
        raise UnreadableError(f"{where} was sealed with key {key_id!r}, not in the key ring.")
    try:
        cipher = AESGCM(keys.derive(key_id, "seal"))
        padded = cipher.decrypt(_decode(parts[2]), _decode(parts[3]), _binding(row, name, key_id))
    except (InvalidTag, ValueError) as error:
        raise UnreadableError(f"{where} does not open here: damaged or moved.") from error
    return padded[: padded.rindex(b"\x80")].decode()


def fingerprint(text: str, use: str) -> str:
    """Return a keyed fingerprint of `text`, 64 hex digits: equal texts show, nothing else does."""
    return fingerprints(text, use)[0]


def fingerprints(text: str, use: str) -> list[str]:
    """Return the fingerprints by every key of the ring, the primary key's first."""
    keys = ring()
    names = [keys.primary, *(name for name in keys.keys if name != keys.primary)]
    derived = [keys.derive(name, f"fingerprint {use}") for name in names]
    return [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for key in derived]


def digest(text: str, use: str) -> str:
    """Return what proves later that somebody knows `text`: id of the primary key, and its fingerprint."""
    keys = ring()
    _register(keys.primary, keys.keys[keys.primary])
    return f"{keys.primary}.{fingerprint(text, use)}"


def is_digest_of(text: str, use: str, kept: str) -> bool:
    """Tell whether `kept` is the digest of `text`, by whichever key of the ring it was made."""
    keys, (key_id, _, rest) = ring(), kept.partition(".")
    if key_id not in keys.keys:
        return False
    key = keys.derive(key_id, f"fingerprint {use}")
    found = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(found, rest)


def _binding(row: SealedRow, name: str, key_id: str) -> bytes:
    parts = [FORMAT, key_id, row._meta.db_table, name, str(row.pk), row.sealing_context]
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decode(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
