"""Elements that a person allows at their provider: which they are, and where the person comes back."""

from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse

from instances.models import Element

# Entries of an OAuth element's configuration (the platform's guide "Create an instance", OAuth).
KEY = "oauth.api.key"
SECRET = "oauth.api.secret"  # noqa: S105  # the entry's name
CALLBACK = "oauth.callback.url"
REFRESH_TOKEN = "oauth.user.refresh_token"  # noqa: S105  # the entry's name
# Asked for by some elements: what access is asked for, and at which of the provider's addresses.
SCOPES = ("oauth.scope", "oauth.user.scope", "scope")
SITES = ("site.address", "oauth.site.address", "siteAddress")

OAUTH1, OAUTH2 = "oauth1", "oauth2"

Configuration = Mapping[str, str | bool]


def callback_address() -> str:
    """Return the one address to register at every provider; "" while the server's own is not set."""
    own: str = settings.OAUTH["ADDRESS"].rstrip("/")
    return f"{own}{reverse('instances:oauth_callback')}" if own else ""


def way_in(element: Element, configuration: Configuration) -> str:
    """Return how the platform signs in: the chosen way, where the element leaves a choice."""
    for entry in element.settings or []:
        if entry["chooses_group"]:
            return str(configuration.get(entry["key"]) or entry["default"])
    return element.authentication


def may_ask_consent(element: Element) -> bool:
    """Tell whether any of the ways in leads over the provider's own page."""
    return any(entry["key"] == KEY for entry in element.settings or []) or (
        element.authentication.lower() in (OAUTH1, OAUTH2)
    )


def protocol_of(element: Element, configuration: Configuration) -> str:
    """Return by which protocol somebody consents at the provider; "" if nobody has to."""
    chosen = way_in(element, configuration).lower()
    is_asked = chosen in (OAUTH1, OAUTH2) and not configuration.get(REFRESH_TOKEN)
    return chosen if is_asked else ""


def is_refreshed(element: Element, configuration: Configuration) -> bool:
    """Tell whether a refresh token takes the place of a consent."""
    is_oauth = way_in(element, configuration).lower() in (OAUTH1, OAUTH2)
    return is_oauth and bool(configuration.get(REFRESH_TOKEN))


def first_of(configuration: Configuration, keys: tuple[str, ...]) -> str:
    """Return the first of these entries that is filled in, "" if none is."""
    return next((str(configuration[key]) for key in keys if configuration.get(key)), "")
