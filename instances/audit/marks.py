"""What proves that an entry or a seal was written here: keyed marks (decision 0016)."""

import datetime
import hashlib
import hmac
import json
import secrets
from typing import Any

from instances import vault
from instances.models import AuditEntry, AuditSeal

# How much of each mark a seal repeats, in hex digits: enough to name the row that was changed.
SHORT = 8


class Keys(dict[str, bytes]):
    """The audit keys by the id of their root key, each looked up once."""

    def __missing__(self, key_id: str) -> bytes:
        self[key_id] = vault.audit_key(key_id)
        return self[key_id]


def mark(entry: AuditEntry) -> str:
    """Return the mark of an entry that is about to be written: `key id.nonce.HMAC-SHA256 in hex`."""
    ring = vault.ring()
    nonce = secrets.token_hex(4)
    return f"{ring.primary}.{nonce}.{digest(entry, vault.audit_key(ring.primary), nonce)}"


def digest(entry: AuditEntry, key: bytes, nonce: str = "") -> str:
    """Return the keyed digest of all that an entry says; its id and who still has an account are no part."""
    said = [
        *(nonce, _moment(entry.at), entry.actor_name, entry.action),
        *(entry.object_type, entry.object_id, entry.object_name, entry.result),
        str(entry.organization_id or ""),
        # As a database gives it back: what was a tuple or a number as a name is none any more.
        *(json.loads(json.dumps(entry.detail)), entry.request_id, entry.address),
    ]
    # Entries from before rights were noted keep the marks that they have.
    return _keyed(key, "entry", [*said, entry.rights] if entry.rights else said)


def is_own(entry: AuditEntry, keys: Keys) -> bool:
    """Tell whether an entry says what it said when this installation wrote it."""
    key_id, nonce, told = parts(entry.mac)
    try:
        key = keys[key_id]
    except vault.VaultError:
        return False
    return hmac.compare_digest(digest(entry, key, nonce), told)


def parts(mac: str) -> tuple[str, str, str]:
    """Return key id, nonce and digest of a mark; empty texts where it is none."""
    key_id, nonce, told = mac.split(".") if mac.count(".") == 2 else ("", "", "")
    return key_id, nonce, told


def seal_digest(seal: AuditSeal, previous: str, digests: list[str], key: bytes) -> str:
    """Return the keyed digest of a seal, over the one before it and the digests of its entries."""
    said = [
        *(previous, seal.position, _moment(seal.sealed_at), _moment(seal.until), seal.entries),
        *(hashlib.sha256("".join(digests).encode()).hexdigest(), seal.marks),
        *(seal.last_id, seal.legacy_until, seal.gaps),
    ]
    return _keyed(key, "seal", said)


def _keyed(key: bytes, what: str, said: list[Any]) -> str:
    text = json.dumps([what, *said], sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _moment(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
