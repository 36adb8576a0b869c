"""The audit keys: derived from the root keys, and kept, sealed, when a root key leaves the ring."""

import base64

from instances.models import AuditKey
from instances.vault.keyring import VaultError, ring
from instances.vault.sealing import Purpose, open_sealed, seal

USE = "audit"


def audit_key(key_id: str) -> bytes:
    """
    Return the 32-byte key for marks made while `key_id` was the primary key.

    :raises VaultError: neither the ring nor a kept one has it.
    """
    keys = ring()
    if key_id in keys.keys:
        return keys.derive(key_id, USE)
    kept = AuditKey.objects.filter(pk=key_id).first()
    if kept is None:
        raise VaultError(f"No audit key of {key_id!r} is known here.")
    return base64.b64decode(open_sealed(kept, "secret", purpose=Purpose.VERIFY).reveal())


def keep_audit_key(key_id: str) -> None:
    """Keep the audit key of a root key that is about to leave the ring, sealed by the primary one."""
    keys = ring()
    if key_id in keys.keys and key_id != keys.primary:
        kept = AuditKey(key_id=key_id)
        kept.secret = seal(kept, "secret", base64.b64encode(keys.derive(key_id, USE)).decode())
        kept.save()
