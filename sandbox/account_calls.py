"""Logging in, and who one is."""

from sandbox.answers import PlatformError, forbidden
from sandbox.call import Call
from sandbox.messages import Response, json_response


def log_in(call: Call) -> Response:
    """Answer POST /authentication, as churros' lifecycle does it."""
    document = call.document()
    login, password = document.get("username"), document.get("password")
    if not isinstance(login, str) or not isinstance(password, str):
        raise PlatformError(400, "The username and the password are required")
    token = call.platform.log_in(login, password)
    if token is None:
        raise PlatformError(401, "Invalid username or password")
    return json_response({"token": token})


def read_secrets(call: Call) -> Response:
    account = call.account
    return json_response(
        {
            "userSecret": account.user_secret,
            "organizationSecret": account.organization_secret,
        }
    )


def read_organization(call: Call) -> Response:
    """Answer GET /organizations/me, the vendor's own cheap check of a pair of secrets."""
    account = call.account
    if not call.switches.identity_allowed:
        raise forbidden("viewOrganization")
    document = {"id": account.organization_id, "name": account.organization_name}
    if call.switches.identity_shows_secret:
        document["secret"] = account.organization_secret
    return json_response(document)


def read_user(call: Call) -> Response:
    """Answer GET /users/me: whose the user secret is."""
    if not call.switches.user_me_supported:
        raise PlatformError(404, "No resource found at this path")
    return json_response(call.account.user)
