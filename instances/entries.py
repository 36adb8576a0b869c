"""Which entries of an instance's configuration a person edits, and which are its credentials."""

import re
from collections.abc import Mapping

from instances.secret_names import MASK, is_secret_name

EVENTS = "event.notification.enabled"
CALLBACK = "event.notification.callback.url"
NULLS = "filter.response.nulls"
AUTHENTICATION = "authentication.type"
# Set by the platform itself, or reserved for it (its guide "Element configuration").
PLATFORMS_OWN = re.compile(
    r"bulk\.|pagination\.|event\.vendor\.|event\.notification\.(?:subscription\.id|instance\.finder)$"
    r"|base\.url$|expires_in$"
)
# Of what decides how the platform signs in, the entries that it shows as they are.
SHOWN = re.compile(r"username$|clientId$|authentication\.type$|.*\.sandbox$")
CREDENTIAL = re.compile(rf"oauth\.|{SHOWN.pattern}")
# Longer values are stored cut off: sent back, they would be too short.
LONGEST = 9_000

Configuration = Mapping[str, str | None]


def is_credential(key: str) -> bool:
    """Tell whether an entry decides how the platform signs in at the provider."""
    return CREDENTIAL.match(key) is not None or is_secret_name(key)


def editable(configuration: Configuration) -> dict[str, str]:
    """Return the entries that a person may edit one by one, null ones as empty text."""
    return {
        key: value or ""
        for key, value in sorted(configuration.items())
        if not is_credential(key)
        and not PLATFORMS_OWN.match(key)
        and value != MASK
        and len(value or "") < LONGEST
    }


def sign_in(configuration: Configuration) -> dict[str, str]:
    """Return the entries in clear that say with what the platform signs in, null ones as empty text."""
    return {
        key: value or ""
        for key, value in sorted(configuration.items())
        if SHOWN.match(key) and not is_secret_name(key) and value != MASK
    }


def credentials(configuration: Configuration) -> dict[str, bool]:
    """Return the entries that re-authenticating may replace, and of each whether it is secret."""
    return {
        key: is_secret_name(key) or value == MASK
        for key, value in sorted(configuration.items())
        if (is_credential(key) or value == MASK) and not PLATFORMS_OWN.match(key)
    }


def holds_mask(value: str) -> bool:
    """Tell whether somebody took a hidden value for a real one."""
    return MASK in value


def is_on(value: str | None) -> bool:
    """Read a switch as the platform shows it."""
    return (value or "").strip().lower() == "true"
