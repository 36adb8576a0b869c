"""What the Zuora element (key zuorav2) needs, by authentication type, and what it calls its entries."""

from collections.abc import Mapping

from instances.models import Environment

ELEMENT_KEY = "zuorav2"
SANDBOX_ENTRY = "zuorav2.sandbox"
TYPE_ENTRY = "authentication.type"

# The user's two ways in (devportal, zuora/authenticate): a login, or an OAuth client of Zuora.
# Without a type the platform assumes basic, as in the guide's own example.
REQUIRED = {
    "basic": {"username": "User name", "password": "Password"},
    "custom": {"clientId": "Client ID", "clientSecret": "Client secret"},
}
ENTRY_NAMES = {
    SANDBOX_ENTRY: "Sandbox",
    TYPE_ENTRY: "Authentication",
    **REQUIRED["basic"],
    **REQUIRED["custom"],
    "event.notification.enabled": "Events",
    "event.notification.callback.url": "Callback URL",
    "event.notification.signature.key": "Signature key",
    "filter.response.nulls": "Leave out empty fields",
}

# Everything else that is sent is never kept, even where the platform echoes it unmasked.
PUBLIC_ENTRIES = frozenset(ENTRY_NAMES) - {
    "password",
    "clientSecret",
    "event.notification.signature.key",
}

Configuration = Mapping[str, str | bool] | Mapping[str, str | None]


def authentication_type(configuration: Configuration) -> str:
    """Return the way in that `configuration` chooses, basic if it does not say."""
    return str(configuration.get(TYPE_ENTRY) or "basic")


def missing_entries(configuration: Configuration) -> list[str]:
    """Return the keys that the chosen authentication type requires and that are absent or blank."""
    required = [SANDBOX_ENTRY, *REQUIRED.get(authentication_type(configuration), {TYPE_ENTRY: ""})]
    if is_true(configuration.get("event.notification.enabled")):
        required.append("event.notification.callback.url")
    return [key for key in required if str(configuration.get(key, "")).strip() == ""]


def is_true(value: object) -> bool:
    """Read a switch as the platform does: a boolean, or its name as text."""
    return value is True or str(value).strip().lower() == "true"


def environment(configuration: Configuration) -> Environment:
    """Return which of Zuora's two systems the credentials belong to."""
    is_sandbox = is_true(configuration.get(SANDBOX_ENTRY))
    return Environment.SANDBOX if is_sandbox else Environment.PRODUCTION
