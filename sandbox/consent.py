"""Redeeming what a consent page gave back: a code, a verified request token, or a refresh token."""

import json
from typing import Any

from sandbox import accounts
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.catalog import Element
from sandbox.grants import Grant

NO_OAUTH_CODE = (  # seen live: churros issue 658
    "You must provide an OAuth code in order to create an instance of this element"
)

Values = dict[str, str | None]


def check(element: Element, document: dict[str, Any], values: Values) -> None:
    """
    Ask an OAuth element's creator for what the consent page gave back.

    :raises PlatformError: neither a code nor an existing refresh token came along.
    """
    if not element.asks_consent(values):
        return
    given = document.get("providerData")
    consent = given if isinstance(given, dict) else {}
    needed = {"oauth_token", "oauth_verifier"} if element.authentication == "oauth1" else {"code"}
    refreshes = document.get("externalAuthentication") == "initial"
    if not needed <= consent.keys() and not (refreshes and values.get("oauth.user.refresh_token")):
        raise PlatformError(400, NO_OAUTH_CODE)


def tokens(call: Call, element: Element, document: dict[str, Any], values: Values) -> Values:
    """
    Exchange the consent at the provider; the tokens become part of the configuration.

    :raises PlatformError: the code is unknown, used, too old, another application's or element's.
    """
    if not element.asks_consent(values):
        return {}
    given = document.get("providerData")
    if not isinstance(given, dict):
        return {"oauth.user.token": accounts.new_token()}
    grant = _redeemed(call, element, given)
    application, callback = values.get("oauth.api.key"), values.get("oauth.callback.url")
    is_fresh = grant is not None and grant.is_fresh(call.switches.oauth_code_seconds)
    if not is_fresh or not grant or not grant.fits(element.key, application, callback):
        raise PlatformError(
            call.switches.wrong_oauth_code_status,
            "Failed to authenticate with the endpoint",
            provider_message=json.dumps({"error": "invalid_grant"}),
        )
    return {
        "oauth.user.token": accounts.new_token(),
        "oauth.user.refresh_token": accounts.new_token(),
    }


def _redeemed(call: Call, element: Element, given: dict[str, Any]) -> Grant | None:
    grants = call.platform.grants
    if element.authentication == "oauth1":
        proof = (given.get("oauth_token"), given.get("oauth_verifier"), given.get("secret"))
        return grants.take_verified(*proof)
    return grants.take_code(given.get("code"))
