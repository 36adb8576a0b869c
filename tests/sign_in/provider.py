"""A sign-in provider on loopback that says what a test lets it say, signed with a key of its own."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT = "elementdesk"


class Provider:
    """One provider; `claims` go into its next token, `broken` names what is wrong with it."""

    def __init__(self) -> None:
        self.key, self.other_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.claims: dict[str, Any] = {}
        self.broken = ""
        self.challenge = ""
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: object) -> None: ...

            def do_GET(self) -> None:  # as the library calls it
                self._answer({})

            def do_POST(self) -> None:  # as the library calls it
                size = int(self.headers["Content-Length"])
                self._answer(parse_qs(self.rfile.read(size).decode()))

            def _answer(self, form: dict[str, list[str]]) -> None:
                login = self.headers.get("Authorization", "")
                provider.asked.append((self.path, form, login))
                status, said = provider.say(self.path, form)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

        return Handler

    def say(self, path: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path.startswith("/.well-known/"):
            return 200, self._about()
        if path == "/keys":
            numbers = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
            return 200, {"keys": [numbers | {"kid": "k1", "use": "sig", "alg": "ES256"}]}
        verifier = form["code_verifier"][0].encode()
        made = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        if made != self.challenge or self.broken == "refuses":
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self._token(), "token_type": "Bearer"}

    def _about(self) -> dict[str, Any]:
        elsewhere = "http://127.0.0.1:1" if self.broken == "leads elsewhere" else self.issuer
        return {
            "issuer": "http://evil.example" if self.broken == "other issuer" else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{elsewhere}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def _token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300}
        claims |= self.claims
        if self.broken == "unsigned":
            return jwt.encode(claims, "", algorithm="none")
        if self.broken == "signed with the secret":
            return jwt.encode(claims, "s" * 40, algorithm="HS256", headers={"kid": "k1"})
        key = self.other_key if self.broken == "other key" else self.key
        return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "k1"})
