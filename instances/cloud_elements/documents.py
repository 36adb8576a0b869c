"""The documents that are sent and received, as plain frozen values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.masks import holds_mask, masked_configuration
from instances.secret import Secret
from instances.secret_names import is_secret_name

MAX_ID = 2**63
MAX_TOKEN = 4096
MAX_TAGS = 200
# What may stand in a header.
VISIBLE = re.compile("[!-~]+")
FLAGS = {"true": True, "false": False}
ELEMENT_TEXTS = ("name", "key", "hub", "image", "description")


class UnusableAnswerError(ValueError):
    """The document names no usable instance id and token."""


@dataclass(frozen=True)
class CreateInstance:
    """What to create; `configuration` holds plaintext credentials and is never shown."""

    element_key: str
    name: str
    tags: tuple[str, ...]
    configuration: Mapping[str, str | bool] = field(repr=False)
    # What somebody's consent at the provider brought: a code, or a verified request token.
    provider_data: Mapping[str, str] = field(default_factory=dict, repr=False)
    # "initial": the configuration has a refresh token, so that nobody has to consent.
    external_authentication: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the body in the form and order of the platform's own example."""
        body: dict[str, Any] = {
            "element": {"key": self.element_key},
            "configuration": dict(self.configuration),
            "tags": list(self.tags),
            "name": self.name,
        }
        if self.provider_data:
            body["providerData"] = dict(self.provider_data)
        if self.external_authentication:
            body["externalAuthentication"] = self.external_authentication
        return body

    def typed_values(self) -> list[str]:
        """Every text value that was typed: none of it may come back in an error text."""
        typed = [value for value in self.configuration.values() if isinstance(value, str)]
        return [*typed, *self.provider_data.values()]

    def secrets(self) -> list[str]:
        """Return what was typed under secret names: none of it may come back into a row."""
        entries = self.configuration.items()
        typed = [value for key, value in entries if isinstance(value, str) and is_secret_name(key)]
        return [*typed, *self.provider_data.values()]


@dataclass(frozen=True)
class ChangeInstance:
    """What to change; what is None or absent stays as it is. Values may be credentials."""

    name: str | None = None
    tags: tuple[str, ...] | None = None
    configuration: Mapping[str, str | bool] = field(default_factory=dict, repr=False)
    # What somebody's consent at the provider brought: the platform signs in with it anew.
    provider_data: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the body: nothing but what changes."""
        body: dict[str, Any] = {}
        if self.name is not None:
            body["name"] = self.name
        if self.tags is not None:
            body["tags"] = list(self.tags)
        if self.configuration:
            body["configuration"] = dict(self.configuration)
        if self.provider_data:
            body["providerData"] = dict(self.provider_data)
        return body

    def typed_values(self) -> list[str]:
        """Every configuration value: none of it may come back in an error text."""
        typed = [value for value in self.configuration.values() if isinstance(value, str)]
        return [*typed, *self.provider_data.values()]


@dataclass(frozen=True)
class RemoteInstance:
    """An instance as the platform returned it, cleaned, and masked before anybody keeps it."""

    remote_id: int
    token: Secret
    name: str
    element: dict[str, str | int | None]
    configuration: dict[str, str | None]
    tags: tuple[str, ...]
    is_valid: bool | None
    is_disabled: bool | None
    has_events: bool | None
    has_trace_logging: bool | None
    has_caching: bool | None
    remote_created_at: datetime | None
    # The platform's id of the request that this answers: what its support asks for.
    request_id: str = ""
    http_status: int | None = None

    @classmethod
    def parse(cls, document: object, secrets: Sequence[str] = ()) -> "RemoteInstance":
        """
        Read an instance; whatever but id and token is missing or odd is left out.

        :raises UnusableAnswerError: no usable id or no usable token.
        """
        if not isinstance(document, dict):
            raise UnusableAnswerError
        return cls(
            remote_id=usable_id(document.get("id")),
            token=usable_token(document.get("token")),
            name=clean_text(document.get("name"), 255),
            element=_element(document.get("element")),
            configuration=_configuration(document.get("configuration"), secrets),
            tags=tag_names(document.get("tags")),
            is_valid=_flag(document.get("valid")),
            is_disabled=_flag(document.get("disabled")),
            has_events=_flag(document.get("eventsEnabled")),
            has_trace_logging=_flag(document.get("traceLoggingEnabled")),
            has_caching=_flag(document.get("cachingEnabled")),
            remote_created_at=moment(document.get("createdDate")),
        )


@dataclass(frozen=True)
class FoundInstance:
    """One line of the platform's list: enough to recognize an instance."""

    remote_id: int
    token: Secret | None
    name: str
    element_key: str
    tags: tuple[str, ...]
    remote_created_at: datetime | None
    is_valid: bool | None = None
    is_disabled: bool | None = None
    has_events: bool | None = None
    # Empty where the list does not tell it.
    configuration: Mapping[str, str | None] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, document: object, secrets: Sequence[str] = ()) -> "FoundInstance":
        """
        Read one line of a list; its token is None if there is no usable one.

        Of a configuration, whatever looks secret or holds one of `secrets` is masked.

        :raises UnusableAnswerError: no usable id.
        """
        if not isinstance(document, dict):
            raise UnusableAnswerError
        return cls(
            remote_id=usable_id(document.get("id")),
            token=_token_or_none(document.get("token")),
            name=clean_text(document.get("name"), 255),
            element_key=_element_key(document.get("element")),
            tags=tag_names(document.get("tags")),
            remote_created_at=moment(document.get("createdDate")),
            is_valid=_flag(document.get("valid")),
            is_disabled=_flag(document.get("disabled")),
            has_events=_flag(document.get("eventsEnabled")),
            configuration=_configuration(document.get("configuration"), secrets),
        )


def usable_id(value: object) -> int:
    """
    Return a positive 64-bit number; digits as text are none, the platform's ids are numbers.

    :raises UnusableAnswerError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < MAX_ID:
        raise UnusableAnswerError
    return value


def usable_token(value: object) -> Secret:
    """
    Return the token if it can stand in a header.

    :raises UnusableAnswerError: it cannot.
    """
    is_text = isinstance(value, str) and 0 < len(value) <= MAX_TOKEN
    if not isinstance(value, str) or not is_text:
        raise UnusableAnswerError
    if not VISIBLE.fullmatch(value) or holds_mask(value):
        raise UnusableAnswerError
    return Secret(value)


def _token_or_none(value: object) -> Secret | None:
    try:
        return usable_token(value)
    except UnusableAnswerError:
        return None


def tag_names(value: object) -> tuple[str, ...]:
    """Return tags as text; the oldest samples have objects with a name."""
    if not isinstance(value, list):
        return ()
    named = [item.get("name") if isinstance(item, dict) else item for item in value[:MAX_TAGS]]
    cleaned = [clean_text(name, 255) for name in named]
    return tuple(dict.fromkeys(name for name in cleaned if name))


def moment(value: object) -> datetime | None:
    """Return an aware time from the platform's ISO form, or None."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC) if read else None
    except (ValueError, OverflowError):
        return None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else FLAGS.get(str(value).lower())


def _element_key(value: object) -> str:
    return clean_text(value.get("key"), 2000) if isinstance(value, dict) else ""


def _element(value: object) -> dict[str, str | int | None]:
    if not isinstance(value, dict):
        return {}
    texts: dict[str, str | int | None] = {
        key: clean_text(value.get(key), 2000) for key in ELEMENT_TEXTS
    }
    number = value.get("id")
    is_number = isinstance(number, int) and not isinstance(number, bool)
    return {"id": number if is_number and isinstance(number, int) else None, **texts}


def _configuration(value: object, secrets: Sequence[str]) -> dict[str, str | None]:
    if not isinstance(value, dict):
        return {}
    named = {clean_text(key, 200): item for key, item in value.items()}
    masked = masked_configuration(named, secrets)
    return {key: item[:10_000] if item else item for key, item in masked.items()}
