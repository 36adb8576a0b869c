"""An element instance: what is remembered of it, and how responses show it."""

import html
import re
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox import elements
from sandbox.accounts import Account
from sandbox.catalog import MASK, OAUTH_CREDENTIALS, OAUTH_TOKENS, Element, Setting
from sandbox.switches import Switches

HTML_TAG = re.compile(r"<[^<>]*>")
AT_WORD = re.compile(r"(?:^|\s)@(\S+)")

# Keys that samples from before 2017 do not have; the seed page is one of them.
NEWER_KEYS = ("createdDate", "elementId", "tags", "user")
LIGHT_KEYS = (
    "id",
    "name",
    "createdDate",
    "token",
    "elementId",
    "tags",
    "valid",
    "disabled",
    "provisionInteractions",
    "user",
)


@dataclass
class Instance:
    """
    What the platform keeps. `configuration` holds the true values, unmasked.

    `used_by` names the formula instances that use it, `provider_status` is what its provider
    answers to element calls, `provider_milliseconds` how long usage says that took.
    """

    id: int
    account_id: int
    element_id: int
    name: str
    token: str
    created_at: float = field(default_factory=time.time)
    listed_from: float = 0.0
    tags: list[str] = field(default_factory=list)
    configuration: dict[str, str | None] = field(default_factory=dict)
    external_authentication: str = "none"
    valid: bool = True
    disabled: bool = False
    deleted: bool = False
    traced_until: float = 0.0
    used_by: list[str] = field(default_factory=list)
    provider_status: int = 200
    provider_milliseconds: int = 120
    objects: list[dict[str, str]] | None = None

    @property
    def element(self) -> Element:
        return elements.BY_ID[self.element_id]

    def record(self) -> dict[str, Any]:
        return asdict(self)


def clean(text: str) -> str:
    """Strip HTML tags and keep the text between them, as churros' XSS test expects."""
    return HTML_TAG.sub("", text).strip()


def at_words(name: str) -> list[str]:
    return AT_WORD.findall(html.unescape(name))


def is_secret(key: str, setting: Setting | None, switches: Switches) -> bool:
    """Say whether responses show asterisks for this entry."""
    if key == "clientId":
        return switches.mask_client_id
    if key == "clientSecret":
        return switches.mask_client_secret
    if key == "event.notification.signature.key":
        return switches.mask_signature_key
    if key in OAUTH_TOKENS:
        return switches.mask_oauth_tokens
    by_type = setting is not None and setting.kind == "PASSWORD"
    return by_type or key == "password" or key in OAUTH_CREDENTIALS


def shown_value(instance: Instance, key: str, switches: Switches, *, unmasked: bool) -> str | None:
    value = instance.configuration.get(key)
    if unmasked or not value or not is_secret(key, instance.element.setting(key), switches):
        return value
    return MASK


def document(instance: Instance, owner: Account, *, unmasked: bool = False) -> dict[str, Any]:
    """Show an instance in full: the seed page's keys and those of newer samples."""
    switches = owner.switches
    shown: dict[str, Any] = {
        "id": instance.id,
        "name": instance.name,
        "createdDate": timestamp(instance.created_at),
        "token": instance.token,
        "element": instance.element.block(),
        "elementId": instance.element_id,
        "tags": list(instance.tags),
        "provisionInteractions": [],
        "valid": instance.valid,
        "disabled": instance.disabled,
        "maxCacheSize": 0,
        "cacheTimeToLive": 0,
        "configuration": {
            key: shown_value(instance, key, switches, unmasked=unmasked)
            for key in instance.configuration
        },
        "eventsEnabled": instance.configuration.get("event.notification.enabled") == "true",
        "traceLoggingEnabled": instance.traced_until > time.time(),
        "cachingEnabled": False,
        "externalAuthentication": instance.external_authentication,
        "user": owner.user,
    }
    if instance.objects is not None:
        shown["objects"] = instance.objects
    return _aged(shown) if switches.older_shape else shown


def light_document(instance: Instance, owner: Account) -> dict[str, Any]:
    """Show an instance as `hydrate=false` lists it: without its configuration."""
    full = document(instance, owner)
    if owner.switches.light_list_is_full:
        return full
    block = full["element"]
    light = {key: full[key] for key in LIGHT_KEYS if key in full}
    light["element"] = {key: block[key] for key in ("id", "key", "name", "hub", "authentication")}
    return light


def configuration_items(
    instance: Instance, switches: Switches, *, unmasked: bool = False
) -> list[dict[str, Any]]:
    """Show the entries as GET /instances/{id}/configuration does; ids are this instance's own."""
    items = []
    for position, key in enumerate(instance.configuration):
        setting = instance.element.setting(key) or Setting(key, key)
        items.append(
            {
                "id": instance.id * 1000 + position,
                "key": key,
                "name": setting.name,
                "description": setting.description or setting.name,
                "type": setting.kind,
                "required": setting.required,
                "hideFromConsole": setting.hidden,
                "active": True,
                "propertyValue": shown_value(instance, key, switches, unmasked=unmasked),
            }
        )
    return items


def timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _aged(shown: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key not in NEWER_KEYS}
