"""Which addresses of the platform may be called: presets, the operator's list, normal form."""

import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

API_PATH = "/elements/api-v2"

# The public hosts named in the vendor's documentation and clients (devportal, Heimdall, cectl,
# SAP's API reference); whether each still serves customers is not known from here.
PRESETS = {
    "US production": "api.cloud-elements.com",
    "US production (console)": "console.cloud-elements.com",
    "US staging": "staging.cloud-elements.com",
    "EU production": "api.cloud-elements.co.uk",
    "EU production (console)": "console.cloud-elements.co.uk",
    "SAP Open Connectors US2": "api.openconnectors.us2.ext.hana.ondemand.com",
    "SAP Open Connectors EU10": "api.openconnectors.eu10.ext.hana.ondemand.com",
    "SAP Open Connectors trial EU10": "api.openconnectors.trial.eu10.ext.hana.ondemand.com",
    "SAP Open Connectors trial US10": "api.openconnectors.trial.us10.ext.hana.ondemand.com",
    "SAP Open Connectors trial (Neo)": "api.openconnectors.ext.hanatrial.ondemand.com",
}

HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*")
PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class HostRefusedError(ValueError):
    """The address is malformed or not on the allow-list; the message says what to do."""


class HostListError(ValueError):
    """A list of hosts cannot be read; nothing may start with it."""


@dataclass(frozen=True)
class AllowedHost:
    """One entry of the allow-list: scheme, host and port, and whether it may be a private address."""

    scheme: str
    host: str
    port: int
    is_private: bool


@cache
def allowed_hosts(listed: str) -> frozenset[AllowedHost]:
    """
    Read the allow-list: the presets and the comma separated entries of `listed`.

    `host` or `host:port` names a public https host. An entry with a scheme, `http://host:port` or
    `https://host:port`, is a development or in-house host: its addresses may be private, and with
    `http://` it is called without TLS.

    :raises HostListError: an entry is malformed (a list that cannot be read allows nothing).
    """
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    public = {AllowedHost("https", host, 443, is_private=False) for host in PRESETS.values()}
    return frozenset(public | {_entry(entry) for entry in entries})


def _entry(text: str, setting: str = "ELEMENTDESK_API_HOSTS") -> AllowedHost:
    has_scheme = "://" in text
    try:
        parts = urlsplit(text if has_scheme else f"https://{text}")
        scheme, host, port = _endpoint(parts)
    except ValueError as error:
        raise HostListError(f"{setting}: {text!r} is not a host. {error}") from error
    if parts.path.strip("/"):
        raise HostListError(f"{setting}: {text!r} must not have a path.")
    return AllowedHost(scheme, host, port, is_private=has_scheme)


def _endpoint(parts: SplitResult) -> tuple[str, str, int]:
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("http", "https"):
        raise HostRefusedError("The address must begin with https://.")
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise HostRefusedError("The address must not contain a user name or password.")
    if not HOST.fullmatch(host):
        raise HostRefusedError("The host name may have letters a-z, digits, dots and dashes only.")
    if parts.query or parts.fragment:
        raise HostRefusedError("The address must not have a query (?) or fragment (#).")
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, host, usual if parts.port is None else parts.port


def find_allowed(url: str) -> AllowedHost:
    """
    Return the allow-list entry that covers `url`.

    :raises HostRefusedError: malformed, or not on the list.
    """
    try:
        scheme, host, port = _endpoint(urlsplit(url))
    except HostRefusedError:
        raise
    except ValueError as error:
        raise HostRefusedError("This is not an address that can be read.") from error
    for entry in allowed_hosts(settings.EGRESS["API_HOSTS"]):
        if (entry.scheme, entry.host, entry.port) == (scheme, host, port):
            return entry
    raise HostRefusedError(
        f"{host} is not on the list of hosts that may be called. An administrator of this "
        "server can add it to ELEMENTDESK_API_HOSTS."
    )


@cache
def webhook_hosts(listed: str) -> tuple[frozenset[AllowedHost], bool]:
    """
    Read the list of hosts that webhooks may go to, and whether every public https host may be one.

    `*` stands for all of those, on the usual port. The rest is written as in `allowed_hosts`.

    :raises HostListError: an entry is malformed.
    """
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    named = (_entry(entry, "ELEMENTDESK_WEBHOOK_HOSTS") for entry in entries if entry != "*")
    return frozenset(named), "*" in entries


def find_webhook_host(url: str) -> AllowedHost:
    """
    Return the host of `url`, which has no query, if webhooks may go there.

    :raises HostRefusedError: malformed, or not allowed.
    """
    try:
        scheme, host, port = _endpoint(urlsplit(url))
    except HostRefusedError:
        raise
    except ValueError as error:
        raise HostRefusedError("This is not an address that can be read.") from error
    named, is_any = webhook_hosts(settings.TELLING["WEBHOOK_HOSTS"])
    for entry in named:
        if (entry.scheme, entry.host, entry.port) == (scheme, host, port):
            return entry
    if is_any and (scheme, port) == ("https", 443):
        return AllowedHost(scheme, host, port, is_private=False)
    raise HostRefusedError(
        f"Webhooks may not go to {scheme}://{host}:{port}. An administrator of this server can "
        "add it to ELEMENTDESK_WEBHOOK_HOSTS."
    )


def check_webhook(text: str) -> str:
    """
    Return the address of a webhook as it was given, if one may be sent there.

    :raises HostRefusedError: malformed, or not allowed.
    """
    text = text.strip()
    if not text.isascii() or any(ord(char) <= 32 for char in text):
        raise HostRefusedError("The address must be plain ASCII without spaces.")
    if "#" in text:
        raise HostRefusedError("The address must not have a fragment (#).")
    find_webhook_host(text.partition("?")[0])
    return text


def path_of(url: str) -> str:
    """Return the path of an address that was checked."""
    return urlsplit(url).path


def normalize(text: str) -> str:
    """
    Return the base URL in its one form, `https://host/elements/api-v2`.

    The scheme and the path may be left out, as the platform's own tools do.

    :raises HostRefusedError: malformed, or not on the allow-list.
    """
    text = text.strip()
    if not text.isascii() or any(ord(char) <= 32 for char in text):
        raise HostRefusedError("The address must be plain ASCII without spaces.")
    url = text if "://" in text else f"https://{text}"
    find_allowed(url)
    path = urlsplit(url).path.rstrip("/")
    if not PATH.fullmatch(path):
        raise HostRefusedError("The path may have letters, digits, dots and dashes only.")
    path = path if path.endswith(API_PATH) else f"{path}{API_PATH}"
    return f"{origin(url)}{path}"


def origin(url: str) -> str:
    """Return scheme, host and any unusual port: what a secret for `url` is bound to."""
    parts = urlsplit(url)
    scheme, host, port = _endpoint(parts)
    is_usual = port == (443 if scheme == "https" else 80)
    return f"{scheme}://{host}" if is_usual else f"{scheme}://{host}:{port}"
