"""OpenID Connect: where the provider sends people, and what its signed answer says of them."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import structlog
from django.conf import settings

from instances import hosts
from instances.cloud_elements.elsewhere import NoAnswerError, ask
from instances.hosts import AllowedHost

logger = structlog.get_logger(__name__)

SCOPE = "openid email profile"
# Signatures only: an HMAC would have to be made with the secret, and "none" is none.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
LEEWAY = 60
# What a provider says of itself is asked for again after so long.
KEPT_SECONDS = 3600


class ProviderError(Exception):
    """The provider cannot be asked, or its answer is not right; the message names the step."""


@dataclass(frozen=True)
class Leaving:
    """The way to the provider; `kept` stays in the browser's session until the return."""

    address: str
    kept: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Person:
    """What the provider's signed answer says of somebody."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str
    claims: dict[str, Any] = field(repr=False)


def is_configured() -> bool:
    """Tell whether there is a provider."""
    return bool(settings.OIDC["ISSUER"] and settings.OIDC["CLIENT_ID"])


def leave(*, callback: str) -> Leaving:
    """
    Return where to send somebody, with a state, a nonce and a PKCE challenge (RFC 7636) of their own.

    :raises ProviderError: the provider says nothing usable of itself.
    """
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    challenge = hashlib.sha256(kept["verifier"].encode()).digest()
    query = {
        "response_type": "code",
        "client_id": settings.OIDC["CLIENT_ID"],
        "redirect_uri": callback,
        "scope": SCOPE,
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    where = _endpoint(_provider(), "authorization_endpoint")
    return Leaving(f"{where}{'&' if '?' in where else '?'}{urlencode(query)}", kept)


def come_back(*, kept: dict[str, str], state: str, code: str, callback: str) -> Person:
    """
    Return who somebody is who came back, by a token whose signature and purpose were checked.

    :raises ProviderError: the state is not the one that left, or the provider's answer is not right.
    """
    if not hmac.compare_digest(state.encode(), kept.get("state", "").encode()) or not state:
        raise ProviderError("state")
    provider = _provider()
    answer = _read(
        "token",
        "POST",
        _endpoint(provider, "token_endpoint"),
        form={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": kept["verifier"],
        },
    )
    keys = _read("keys", "GET", _endpoint(provider, "jwks_uri"))
    return _person(_verified(str(answer.get("id_token", "")), keys, kept["nonce"]))


def _verified(token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        found = [one for one in jwt.PyJWKSet.from_dict(keys).keys if key_id in (None, one.key_id)]
        claims: dict[str, Any] = jwt.decode(
            token,
            found[0],
            algorithms=list(ALGORITHMS),
            audience=settings.OIDC["CLIENT_ID"],
            issuer=_issuer(),
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, IndexError, ValueError) as error:
        raise ProviderError(f"id token: {type(error).__name__}") from error
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ProviderError("nonce")
    if claims.get("azp", settings.OIDC["CLIENT_ID"]) != settings.OIDC["CLIENT_ID"]:
        raise ProviderError("azp")
    return claims


def _person(claims: dict[str, Any]) -> Person:
    return Person(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"])[:255],
        email=str(claims.get("email") or "")[:254],
        is_email_verified=claims.get("email_verified") is True,
        name=str(claims.get("preferred_username") or "")[:150],
        claims=claims,
    )


def is_admitted(person: Person) -> bool:
    """Tell whether this server lets somebody in whom the provider knows: by domain, and by claim."""
    domains = [part.strip().lower() for part in settings.OIDC["DOMAINS"].split(",") if part.strip()]
    domain = person.email.rpartition("@")[2].lower()
    if domains and not (person.is_email_verified and domain in domains):
        return False
    name, _, wanted = settings.OIDC["ADMIT"].partition("=")
    held = person.claims.get(name) if name else None
    return not name or wanted in (
        [str(one) for one in held] if isinstance(held, list) else [str(held)]
    )


def _issuer() -> str:
    return str(settings.OIDC["ISSUER"])


def _provider() -> dict[str, Any]:
    return _discovered(_issuer(), int(time.monotonic() // KEPT_SECONDS))


@lru_cache(maxsize=4)
def _discovered(issuer: str, _period: int) -> dict[str, Any]:
    """Return what the provider says of itself; it must call itself what we call it."""
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    said = _read("discovery", "GET", address)
    if said.get("issuer") != issuer:
        raise ProviderError("issuer")
    return said


def _endpoint(provider: dict[str, Any], name: str) -> str:
    address = str(provider.get(name, ""))
    _host_of(address)
    return address


def _host_of(address: str) -> AllowedHost:
    """
    Return the host that may be called: the issuer's own, or one of ELEMENTDESK_OIDC_HOSTS.

    :raises ProviderError: another one, so that a provider cannot lead our calls elsewhere.
    """
    listed = hosts.allowed_hosts(settings.OIDC["HOSTS"]) - hosts.allowed_hosts("")
    own = hosts.allowed_hosts(hosts.origin(_issuer())) - hosts.allowed_hosts("")
    try:
        origin = urlsplit(hosts.origin(address))
    except ValueError as error:
        raise ProviderError("address") from error
    port = origin.port or (443 if origin.scheme == "https" else 80)
    for one in own | listed:
        if (one.scheme, one.host, one.port) == (origin.scheme, origin.hostname, port):
            return one
    raise ProviderError("address")


def _read(
    step: str, method: str, address: str, form: dict[str, str] | None = None
) -> dict[str, Any]:
    # By HTTP's own means, which every provider must know (RFC 6749, 2.3.1).
    login = (settings.OIDC["CLIENT_ID"], settings.OIDC["CLIENT_SECRET"]) if form else None
    bundle = settings.EGRESS["CA_BUNDLE"]
    try:
        answer = ask(
            method, address, host=_host_of(address), form=form, login=login, ca_bundle=bundle
        )
        said = json.loads(answer.body)
    except (NoAnswerError, ValueError) as error:
        logger.warning("provider did not answer", step=step, error=type(error).__name__)
        raise ProviderError(step) from None
    if answer.status != 200 or not isinstance(said, dict):
        logger.warning("provider refused", step=step, status=answer.status)
        raise ProviderError(step)
    return said
