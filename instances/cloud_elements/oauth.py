"""Where a person consents at a provider: the way there, and what OAuth 1 needs before."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.errors import UnavailableError
from instances.cloud_elements.refusals import document_of, error_from

LONGEST_ADDRESS = 8000
LONGEST_TOKEN = 2000
ADDRESS = re.compile(r"[!-~]+")
NO_ADDRESS = "What the platform gave for the provider's page is no address."
HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*")


class AddressRefusedError(ValueError):
    """No person is sent to this address; the message says why, without it."""


@dataclass(frozen=True)
class Application:
    """Who asks the provider: the client registered there, and where its users come back."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    callback: str
    scope: str = ""
    site_address: str = ""

    def query(self) -> dict[str, str]:
        """Return the parameters of the platform's two questions, without those left empty."""
        named = {
            "apiKey": self.key,
            "apiSecret": self.secret,
            "callbackUrl": self.callback,
            "scope": self.scope,
            "siteAddress": self.site_address,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class RequestToken:
    """What OAuth 1 begins with: a token to take along, and its secret to finish with."""

    token: str = field(repr=False)
    secret: str = field(repr=False)


def request_token(
    client: CloudElementsClient, element_key: str, application: Application
) -> RequestToken:
    """
    Have the platform begin OAuth 1 (GET /elements/{k}/oauth/token).

    :raises CloudElementsError: not answered, refused, or without token and secret.
    """
    path = f"/elements/{quote(element_key, safe='')}/oauth/token"
    answer = client.ask(path, application.query(), secrets=[application.secret])
    document = document_of(answer)
    said = document if isinstance(document, dict) else {}
    token, secret = said.get("token"), said.get("secret")
    if not (_is_token(token) and _is_token(secret)):
        raise error_from(UnavailableError, "garbled", answer)
    return RequestToken(str(token), str(secret))


def consent_address(
    client: CloudElementsClient,
    element_key: str,
    application: Application,
    *,
    state: str,
    allows_http: bool,
    token: RequestToken | None = None,
) -> str:
    """
    Ask where a person consents (GET /elements/{k}/oauth/url); `state` comes back with them.

    The address is https (or, for a platform in development, http) and shows no secret of ours.

    :raises CloudElementsError: not answered, refused, or without an address.
    :raises AddressRefusedError: the address leads nowhere safe.
    """
    path = f"/elements/{quote(element_key, safe='')}/oauth/url"
    query = application.query() | {"state": state}
    hidden = [application.secret]
    if token is not None:
        query["requestToken"] = token.token
        hidden.append(token.secret)
    answer = client.ask(path, query, secrets=[*hidden, state])
    document = document_of(answer)
    address = document.get("oauthUrl") if isinstance(document, dict) else None
    if not isinstance(address, str) or not address:
        raise error_from(UnavailableError, "garbled", answer)
    _check_place(address, allows_http)
    if client.shows_secret(address, hidden):
        raise AddressRefusedError("The provider's address would show a secret.")
    # OAuth 1 knows no state of its own: there the request token tells who comes back.
    return _with_state(address, state, adds=token is None)


def _check_place(address: str, allows_http: bool) -> None:
    schemes = ("https", "http") if allows_http else ("https",)
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefusedError(NO_ADDRESS) from None
    if len(address) > LONGEST_ADDRESS or not ADDRESS.fullmatch(address) or "\\" in address:
        raise AddressRefusedError(NO_ADDRESS)
    if parts.scheme not in schemes:
        raise AddressRefusedError("The provider's page is not at an https:// address.")
    if "@" in parts.netloc or not HOST.fullmatch(host):
        raise AddressRefusedError("The provider's page has no usable host name.")


def _with_state(address: str, state: str, *, adds: bool) -> str:
    """Return the address with our state, where the platform left it out."""
    parts = urlsplit(address)
    states = [value for name, value in parse_qsl(parts.query) if name == "state"]
    if states not in ([], [state]):
        raise AddressRefusedError("The provider's address carries another state than ours.")
    if states or not adds:
        return address
    more = urlencode({"state": state})
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query else more))


def host_of(address: str) -> str:
    """Return where an address leads, as people read it."""
    return urlsplit(address).netloc[:255]


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN
