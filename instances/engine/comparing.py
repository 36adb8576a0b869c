"""Compare configuration that was sent with what the platform shows of it, which may be masked."""

from collections.abc import Mapping

from instances.cloud_elements import RemoteInstance, masked_configuration

Sent = Mapping[str, str | bool]


def visible(sent: Sent) -> dict[str, str | None]:
    """Return how the platform's answer would show each entry, without those that are hidden."""
    shown = masked_configuration(sent, ())
    return {key: value for key, value in shown.items() if value == _text(sent[key])}


def differing(sent: Sent, remote: RemoteInstance) -> list[str]:
    """Return the keys of which the platform shows something else; hidden ones tell nothing."""
    wanted = visible(sent)
    shown = remote.configuration
    return [key for key, value in wanted.items() if (shown.get(key) or "") != (value or "")]


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
