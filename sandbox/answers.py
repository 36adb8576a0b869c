"""The platform's way of saying no: one body shape, one error class, the texts that sources confirm."""

import secrets
from typing import Any

from sandbox.messages import Response, json_response

# One text for all three secrets (churros issue 274; UiPath's troubleshooting pages quote it too).
BAD_SECRETS = "Invalid Organization or User secret, or invalid Element token provided."

# Exactly the headers that churros' general/headers suite expects to be exposed.
EXPOSED_HEADERS = (
    "Elements-Returned-Count, Elements-Total-Count, Elements-Request-Id, Elements-Next-Page-Token, "
    "Elements-Trace-Id, Elements-Error, Content-Disposition"
)


class PlatformError(Exception):
    """The platform refuses; whoever catches this answers with its status and body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        provider_message: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.provider_message = provider_message
        self.headers = headers or {}

    def response(self, request_id: str) -> Response:
        document: dict[str, Any] = {"requestId": request_id, "message": self.message}
        if self.provider_message is not None:
            document["providerMessage"] = self.provider_message
        return json_response(document, self.status, self.headers)


def new_request_id() -> str:
    return secrets.token_hex(12)


def stamp(response: Response, request_id: str) -> Response:
    """Add the headers that every answer of the platform carries."""
    response.headers.setdefault("Elements-Request-Id", request_id)
    response.headers.setdefault("Access-Control-Expose-Headers", EXPOSED_HEADERS)
    return response


def unauthorized() -> PlatformError:
    return PlatformError(401, BAD_SECRETS)


def forbidden(privilege: str) -> PlatformError:
    return PlatformError(403, f"The required privilege '{privilege}' is not assigned to this user")


def no_instance(instance_id: object) -> PlatformError:
    return PlatformError(404, f"No element instance found with ID {instance_id}")


def no_element(key: object, status: int = 404) -> PlatformError:
    return PlatformError(status, f"No element found with key {key}")
