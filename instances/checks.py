"""System checks: stop every command whose settings cannot be safe."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from instances import crash_points, fence, hosts, vault


@register(Tags.security)
def key_ring_opens_what_is_stored(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """Compare the key ring with the keys that sealed the stored values."""
    try:
        vault.ring()
    except vault.KeyRingError as error:
        return [Error(str(error), id="elementdesk.E001")]
    return []


@register(Tags.security)
def host_list_can_be_read(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """Refuse an allow-list with a malformed entry rather than guess what it meant."""
    try:
        hosts.allowed_hosts(settings.EGRESS["API_HOSTS"])
        hosts.webhook_hosts(settings.TELLING["WEBHOOK_HOSTS"])
    except hosts.HostListError as error:
        return [Error(str(error), id="elementdesk.E002")]
    return []


@register(Tags.security, deploy=True)
def every_host_is_called_over_tls(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """Warn when secrets would cross the network in the clear."""
    plain = [
        h.host for h in hosts.allowed_hosts(settings.EGRESS["API_HOSTS"]) if h.scheme == "http"
    ]
    if not plain:
        return []
    return [Warning(f"ELEMENTDESK_API_HOSTS allows plain http to {plain}.", id="elementdesk.W001")]


@register(Tags.security)
def lease_outlives_a_call(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """A lease must end after the call it covers, or two workers would hold one operation."""
    if settings.ENGINE["LEASE_SECONDS"] > settings.ENGINE["CALL_SECONDS"]:
        return []
    return [
        Error(
            "ELEMENTDESK_LEASE_SECONDS must be greater than ELEMENTDESK_CALL_SECONDS.",
            id="elementdesk.E003",
        )
    ]


@register(Tags.security)
def nothing_asks_for_crashes(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """What ends a process at a named step, for tests, must not be near production."""
    if not crash_points.is_refused():
        return []
    return [Error(f"{crash_points.NAME} is for tests, and needs DEBUG.", id="elementdesk.E004")]


@register(Tags.security)
def fence_can_be_kept(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """Without the file that tells a restored backup, no worker would send anything."""
    trouble = fence.unkept()
    return [Error(trouble, id="elementdesk.E005")] if trouble else []


@register
def worker_can_call(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """A worker without a process or without a call would start, and do nothing."""
    if min(settings.ENGINE["PROCESSES"], settings.ENGINE["CALLS_IN_FLIGHT"]) > 0:
        return []
    return [
        Error(
            "ELEMENTDESK_WORKER_PROCESSES and ELEMENTDESK_CALLS_IN_FLIGHT must be 1 or more.",
            id="elementdesk.E006",
        )
    ]


@register(Tags.security)
def own_address_is_one(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    """Providers send people back to this address, with a code: over https, to this server itself."""
    address = settings.OAUTH["ADDRESS"]
    parts = urlsplit(address)
    is_safe = parts.scheme == "https" or (settings.DEBUG and parts.scheme == "http")
    if not address or (is_safe and parts.netloc and address.rstrip("/").endswith(parts.netloc)):
        return []
    text = "ELEMENTDESK_ADDRESS must be like https://desk.example.com, without a path."
    return [Error(text, id="elementdesk.E007")]
