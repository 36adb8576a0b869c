"""What providers hand out on their consent pages: codes, request tokens, verifiers. In memory only."""

import secrets
import time
from dataclasses import dataclass, field


@dataclass
class Grant:
    """One consent: who asked (the application's key), for which element, to return whereto."""

    element_key: str
    application: str
    callback: str
    secret: str = ""
    verifier: str = ""
    given_at: float = field(default_factory=time.time)

    def fits(self, element_key: str, application: str | None, callback: str | None) -> bool:
        asked = (self.element_key, self.application, self.callback)
        return asked == (element_key, application, callback)

    def is_fresh(self, seconds: float) -> bool:
        return time.time() < self.given_at + seconds


class Grants:
    """Codes (OAuth 2) and request tokens (OAuth 1) that wait to be redeemed; each works once."""

    def __init__(self) -> None:
        self._codes: dict[str, Grant] = {}
        self._request_tokens: dict[str, Grant] = {}

    def new_code(self, grant: Grant) -> str:
        code = secrets.token_urlsafe(24)
        self._codes[code] = grant
        return code

    def new_request_token(self, grant: Grant) -> tuple[str, str]:
        """Begin OAuth 1: give a request token and its secret."""
        token, grant.secret = secrets.token_urlsafe(16), secrets.token_urlsafe(24)
        self._request_tokens[token] = grant
        return token, grant.secret

    def request_token(self, token: str) -> Grant | None:
        return self._request_tokens.get(token)

    def verify(self, token: str) -> str:
        """Note that the person agreed; give the verifier that proves it."""
        grant = self._request_tokens[token]
        grant.verifier = secrets.token_urlsafe(12)
        return grant.verifier

    def take_code(self, code: object) -> Grant | None:
        return self._codes.pop(str(code), None)

    def take_verified(self, token: object, verifier: object, secret: object) -> Grant | None:
        """Redeem a request token; without the person's consent or its secret it stays."""
        grant = self._request_tokens.get(str(token))
        if grant is None or not grant.verifier:
            return None
        if (grant.verifier, grant.secret) != (verifier, secret):
            return None
        return self._request_tokens.pop(str(token))
