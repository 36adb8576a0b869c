"""Passkeys and security keys (WebAuthn): what the browser is asked, and whether its answer is right."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

NAME = "Elementdesk"
# Answers are a few kilobytes.
MOST = 20_000


class NotProvenError(Exception):
    """The answer is none to what was asked here, or of no key that is known."""


@dataclass(frozen=True)
class Place:
    """Where the browser is: a passkey works for one host only, and only over https or on localhost."""

    host: str
    origin: str

    def _server(self) -> Fido2Server:
        entity = PublicKeyCredentialRpEntity(id=self.host, name=NAME)
        return Fido2Server(entity, verify_origin=lambda origin: origin == self.origin)

    def ask_new(self, *, person: int, name: str, known: list[str]) -> tuple[str, Any]:
        """Return what the browser is asked to make, as JSON, and what must be kept for the answer."""
        user = PublicKeyCredentialUserEntity(
            id=f"elementdesk-{person}".encode(), name=name, display_name=name
        )
        asked, kept = self._server().register_begin(
            user,
            [_credential(text) for text in known],
            resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return json.dumps(dict(asked)["publicKey"]), kept

    def take_new(self, kept: Any, answer: str) -> str:
        """
        Return the new credential, as text to keep.

        :raises NotProvenError: the answer is not right.
        """
        try:
            made = self._server().register_complete(kept, _read(answer))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotProvenError from error
        if made.credential_data is None:
            raise NotProvenError
        return base64.b64encode(bytes(made.credential_data)).decode()

    def ask(self, known: list[str]) -> tuple[str, Any]:
        """Return what the browser is asked to sign, as JSON, and what must be kept for the answer."""
        asked, kept = self._server().authenticate_begin(
            [_credential(text) for text in known],
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return json.dumps(dict(asked)["publicKey"]), kept

    def take(self, kept: Any, known: list[str], answer: str) -> str:
        """
        Return which of the `known` credentials signed.

        :raises NotProvenError: none of them, or something else.
        """
        credentials = [_credential(text) for text in known]
        try:
            proven = self._server().authenticate_complete(kept, credentials, _read(answer))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotProvenError from error
        return known[credentials.index(proven)]


def _credential(text: str) -> AttestedCredentialData:
    return AttestedCredentialData(base64.b64decode(text))


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > MOST:
        raise NotProvenError
    read = json.loads(answer)
    if not isinstance(read, dict):
        raise NotProvenError
    return read
