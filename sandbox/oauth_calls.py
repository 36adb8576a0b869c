"""The way to a consent page: its URL, and the request token that OAuth 1 needs before."""

import json
from urllib.parse import urlencode

from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.catalog import Element
from sandbox.grants import Grant
from sandbox.messages import Response, json_response
from sandbox.provider import PREFIX


def url(call: Call) -> Response:
    """Answer GET and POST /elements/{k}/oauth/url: where to send the person who shall consent."""
    element, asked = _oauth_element(call), _arguments(call)
    is_oauth1 = element.authentication == "oauth1"
    query = _oauth1(call, asked) if is_oauth1 else _oauth2(asked)
    keeps = call.switches.oauth_url_keeps_state
    if asked.get("state") and keeps and (call.switches.oauth1_returns_state or not is_oauth1):
        query["state"] = asked["state"]
    usual = f"{call.origin}{PREFIX}/{element.key}/authorize?{urlencode(query)}"
    address = call.switches.oauth_address or usual
    return json_response({"element": element.key, "oauthUrl": address})


def request_token(call: Call) -> Response:
    """Answer GET /elements/{k}/oauth/token, the first step of OAuth 1."""
    element, asked = _oauth_element(call), _arguments(call)
    if element.authentication != "oauth1":
        raise PlatformError(400, f"Element {element.key} does not use OAuth 1")
    grant = Grant(element.key, asked["apiKey"], asked["callbackUrl"])
    token, secret = call.platform.grants.new_request_token(grant)
    return json_response({"token": token, "secret": secret})


def _oauth_element(call: Call) -> Element:
    element = call.element()
    if not element.is_oauth:
        raise PlatformError(400, f"Element {element.key} does not use OAuth")
    return element


def _arguments(call: Call) -> dict[str, str]:
    """Read the names that go into the query or the body. :raises PlatformError: one is missing."""
    sent = call.document() if call.request.method == "POST" else dict(call.request.query)
    missing = [name for name in ("apiKey", "apiSecret", "callbackUrl") if not sent.get(name)]
    if missing:
        raise PlatformError(400, f"Missing required parameter: {', '.join(missing)}")
    return {name: v if isinstance(v, str) else json.dumps(v) for name, v in sent.items()}


def _oauth2(asked: dict[str, str]) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": asked["apiKey"],
        "redirect_uri": asked["callbackUrl"],
        "scope": asked.get("scope", ""),
    }


def _oauth1(call: Call, asked: dict[str, str]) -> dict[str, str]:
    token = asked.get("requestToken", "")
    if call.platform.grants.request_token(token) is None:
        raise PlatformError(400, "The requestToken is missing or unknown")
    return {"oauth_token": token, "oauth_callback": asked["callbackUrl"]}
