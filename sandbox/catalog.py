"""What an element is and what its configuration asks for; the entries themselves stand in elements.py."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MASK = "********"
LENGTH = re.compile(r"TEXTFIELD_(\d+)$")
OAUTH_TOKENS = frozenset({"oauth.user.token", "oauth.user.refresh_token"})
OAUTH_CREDENTIALS = frozenset({"oauth.api.key", "oauth.api.secret"})


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One configuration entry (shape: real element exports in the public tool "the-doctor").

    `shown` entries stand in an instance's configuration even when they were not sent.
    """

    key: str
    name: str
    kind: str = "TEXTFIELD_128"
    required: bool = False
    default: str | None = None
    group: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    chooses_group: bool = False
    hidden: bool = False
    shown: bool = False
    internal: bool = False
    description: str = ""

    @property
    def is_credential(self) -> bool:
        return self.group is not None or self.kind == "PASSWORD" or self.key in OAUTH_CREDENTIALS

    @property
    def is_asked_for(self) -> bool:
        """Say whether a person fills it in: neither hidden, nor the platform's, nor the choice itself."""
        return not (self.hidden or self.internal or self.chooses_group)

    def refusal(self, value: str | None) -> str | None:
        """Say what is wrong with a value, going by the entry's type; None when nothing is."""
        if not value:
            return None
        limit = LENGTH.search(self.kind)
        if limit and len(value) > int(limit[1]):
            return f"{self.key} is longer than {limit[1]} characters"
        allowed = {choice for choice, _ in self.options}
        if self.kind.startswith("BOOLEAN"):
            allowed = {"true", "false"}
        return (
            f"{self.key} must be one of {', '.join(sorted(allowed))}"
            if (allowed and value not in allowed)
            else None
        )

    def metadata(self, order: int) -> dict[str, Any]:
        """Show it as GET /elements/{k}/configuration does."""
        document: dict[str, Any] = {
            "active": True,
            "companyConfig": False,
            "description": self.description or self.name,
            "displayOrder": order,
            "groupControl": self.chooses_group,
            "hideFromConsole": self.hidden,
            "internal": self.internal,
            "isPrivate": False,
            "key": self.key,
            "name": self.name,
            "required": self.required,
            "resellerConfig": False,
            "type": self.kind,
        }
        if self.default is not None:
            document["defaultValue"] = self.default
        if self.group:
            document["groupName"] = self.group
        if self.options:
            document["options"] = self._choices()
        return document

    def form_field(self, order: int, number: int) -> dict[str, Any]:
        """Show it as GET /elements/{k}/authentication-types/{type}/configurations does."""
        return {
            "id": number,
            "key": self.key,
            "name": self.name,
            "description": self.description or self.name,
            "type": self.kind,
            "displayOrder": order,
            "defaultValue": self.default,
            "required": self.required,
            "options": self._choices(),
        }

    def _choices(self) -> list[dict[str, str]]:
        return [{"value": value, "description": text} for value, text in self.options]


@dataclass(frozen=True, slots=True)
class Element:
    """One catalog entry. `authentication` is basic, apiKey, oauth1, oauth2, custom or none."""

    id: int
    key: str
    name: str
    hub: str
    authentication: str
    settings: tuple[Setting, ...] = ()
    hook_name: str = ""
    description: str = ""
    image: str = ""
    resources: tuple[str, ...] = ()
    is_private: bool = False
    config_description: str = ""
    signup_url: str = ""

    @property
    def is_oauth(self) -> bool:
        return self.authentication.startswith("oauth")

    def asks_consent(self, values: Mapping[str, str | None]) -> bool:
        """Say whether somebody must visit a consent page, as the chosen authentication goes."""
        return (self.chosen_group(values) or self.authentication).startswith("oauth")

    def block(self) -> dict[str, Any]:
        """Show it as inside an instance; the keys are those of the seed page's response."""
        return {
            "id": self.id,
            "name": self.name,
            "hookName": self.hook_name or self.name.replace(" ", ""),
            "key": self.key,
            "description": self.description,
            "image": self.image,
            "active": True,
            "deleted": False,
            "typeOauth": self.is_oauth,
            "trialAccount": False,
            "resources": [],
            "transformationsEnabled": True,
            "bulkDownloadEnabled": False,
            "bulkUploadEnabled": False,
            "cloneable": True,
            "beta": False,
            "authentication": {"type": self.authentication},
            "hub": self.hub,
            "protocolType": "http",
            "parameters": [],
            "private": self.is_private,
        }

    def entry(self, *, abridged: bool) -> dict[str, Any]:
        """Show it as the catalog does; the three long texts may hold HTML, as real ones do."""
        shown = self.block() | {
            "logo": self.key,
            "extendable": True,
            "configDescription": self.config_description,
            "signupURL": self.signup_url,
            "existingAccountDescription": f"Use your <b>{self.name}</b> account.",
        }
        return shown if abridged else shown | {"configuration": self.metadata()}

    def metadata(self) -> list[dict[str, Any]]:
        return [each.metadata(order) for order, each in enumerate(self.settings)]

    def setting(self, key: str) -> Setting | None:
        return next((each for each in self.settings if each.key == key), None)

    @property
    def chooser(self) -> Setting | None:
        """The entry whose value selects a group of further ones, if there is one."""
        return next((each for each in self.settings if each.chooses_group), None)

    def chosen_group(self, values: Mapping[str, str | None]) -> str | None:
        if self.chooser is None:
            return None
        return values.get(self.chooser.key) or self.chooser.default

    def missing(self, values: Mapping[str, str | None]) -> list[str]:
        """Name every required entry without a value, as far as the chosen group goes."""
        chosen = self.chosen_group(values)
        return [
            each.key
            for each in self.settings
            if each.required
            and each.group in (None, chosen)
            and not values.get(each.key)
            and each.default is None
        ]

    def completed(self, values: Mapping[str, str | None]) -> dict[str, str | None]:
        """Add the defaults that the platform puts into an instance's configuration."""
        return {each.key: each.default for each in self.settings if each.shown} | dict(values)

    def form_fields(self, authentication: str) -> list[dict[str, Any]]:
        return [
            each.form_field(order, self.id * 100 + order)
            for order, each in enumerate(self.settings)
            if each.is_asked_for and each.group in (None, authentication)
        ]

    def authentication_types(self) -> dict[str, Any]:
        options = self.chooser.options if self.chooser else ((self.authentication,) * 2,)
        default = self.chooser.default if self.chooser else self.authentication
        return {
            "defaultValue": default,
            "options": [{"value": value, "description": text} for value, text in options],
        }


def text_of(value: Any, as_json: Any) -> str | None:
    """Turn a configuration value into the string that responses show (seed page: true -> "true")."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else str(as_json(value))
