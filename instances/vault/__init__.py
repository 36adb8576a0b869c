"""Seal and open secret values: key ring, sealing, rotation."""

from instances.vault.auditing import audit_key, keep_audit_key
from instances.vault.keyring import (
    KeyRing,
    KeyRingError,
    VaultError,
    parse_ring,
    read_ring,
    ring,
    stop_unless_ready,
)
from instances.vault.sealing import (
    Purpose,
    UnreadableError,
    digest,
    fingerprint,
    fingerprints,
    is_digest_of,
    open_sealed,
    seal,
    seal_all,
)

__all__ = [
    "KeyRing",
    "KeyRingError",
    "Purpose",
    "UnreadableError",
    "VaultError",
    "audit_key",
    "digest",
    "fingerprint",
    "fingerprints",
    "is_digest_of",
    "keep_audit_key",
    "open_sealed",
    "parse_ring",
    "read_ring",
    "ring",
    "seal",
    "seal_all",
    "stop_unless_ready",
]
