"""Seal and open secret values: key ring, sealing, rotation."""

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
    fingerprint,
    fingerprints,
    open_sealed,
    seal,
)

__all__ = [
    "KeyRing",
    "KeyRingError",
    "Purpose",
    "UnreadableError",
    "VaultError",
    "fingerprint",
    "fingerprints",
    "open_sealed",
    "parse_ring",
    "read_ring",
    "ring",
    "seal",
    "stop_unless_ready",
]
