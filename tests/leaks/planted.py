"""What is planted: secrets that must be nowhere, and controls that must be found."""

import base64
import json
import secrets
from pathlib import Path
from typing import Any

# Every character that some quoting changes, behind a core that none does.
TAIL = "/+=\"<&>'%"


def _core(kind: str) -> str:
    return f"CNRY{kind}{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=')}"


class Planted:
    """Unique secrets by name; each is made, or taken note of, once."""

    def __init__(self) -> None:
        self.values: dict[str, str | bytes] = {}
        self.control = f"ctrl{secrets.token_hex(12)}"

    def word(self, name: str) -> str:
        """Make a secret of letters and digits, as an operator puts it into an address."""
        return self._keep(name, _core(name.replace(" ", "")))

    def secret(self, name: str) -> str:
        """Make a secret as people type it, with characters that every quoting changes."""
        return self._keep(name, _core(name.replace(" ", "")) + TAIL)

    def note(self, name: str, value: str) -> str:
        """Take note of a secret that came from elsewhere, once."""
        if value and value not in self.values.values():
            self._keep(f"{name} {len(self.values)}", value)
        return value

    def note_ring(self, file: Path) -> None:
        """Take note of every key of a key ring, as text and as bytes."""
        for key_id, key in json.loads(file.read_text())["keys"].items():
            self.note(f"key {key_id}", key)
            self.values[f"bytes of key {key_id}"] = base64.b64decode(key)

    def note_account(self, account: Any) -> None:
        """Take note of what the platform knows: its secrets, the provider's, and the tokens."""
        self.note("user secret", account.user_secret)
        self.note("organization secret", account.organization_secret)
        for held in (account.sandbox, account.production):
            self.note("password", held.password)
            self.note("client secret", held.client_secret)
        for deleted in (False, True):
            for made in account.instances(deleted=deleted):
                self.note("token", made["token"])

    def _keep(self, name: str, value: str) -> str:
        if name in self.values:
            raise ValueError(f"{name} is planted already")
        self.values[name] = value
        return value
