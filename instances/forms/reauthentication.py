"""New credentials for an instance: what is left empty is kept."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances import entries, operations, zuora
from instances.forms.creation import AUTHENTICATION_TYPES
from instances.forms.environments import EnvironmentQuestion
from instances.forms.secrets import SecretField
from instances.forms.spaces import TrimmedField
from instances.models import Instance

PREFIX = "entry."
SIGNATURE = "event.notification.signature.key"
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ReauthenticationForm(forms.Form):
    """One field for each credential that the instance has, or that Zuora takes."""

    def __init__(self, data: Any = None, *, instance: Instance) -> None:
        super().__init__(data)
        self.instance = instance
        self.environment = EnvironmentQuestion(self, PREFIX + zuora.SANDBOX_ENTRY)
        self.before = instance.configuration
        self.is_zuora = instance.element_key == zuora.ELEMENT_KEY
        since = operations.kept_since(instance)
        for key, is_secret in self._keys().items():
            self.fields[PREFIX + key] = self._field(key, is_secret, since.get(key))

    @property
    def has_any(self) -> bool:
        """Whether there is anything to give."""
        return bool(self.fields)

    @property
    def ways(self) -> dict[str, list[forms.BoundField]]:
        """The fields of each of Zuora's two ways in."""
        return {
            kind: [self[PREFIX + key] for key in keys]
            for kind, keys in zuora.REQUIRED.items()
            if self.is_zuora
        }

    @property
    def other_fields(self) -> list[forms.BoundField]:
        """Every field that belongs to neither way in."""
        grouped = {key for keys in zuora.REQUIRED.values() for key in keys}
        grouped |= {zuora.SANDBOX_ENTRY, zuora.TYPE_ENTRY}
        names = [name.removeprefix(PREFIX) for name in self.fields]
        return [self[PREFIX + key] for key in names if not self.is_zuora or key not in grouped]

    @property
    def sandbox_field(self) -> forms.BoundField:
        """Zuora's switch between its two systems."""
        return self[PREFIX + zuora.SANDBOX_ENTRY]

    @property
    def type_field(self) -> forms.BoundField:
        """The choice between Zuora's two ways in."""
        return self[PREFIX + zuora.TYPE_ENTRY]

    def clean(self) -> dict[str, Any]:
        """Refuse masks and what changes nothing; name what is missing when somebody changes over."""
        self._refuse_masks()
        for key in operations.missing_credentials(self.instance, self.configuration()):
            label = self.fields[PREFIX + key].label
            self.add_error(PREFIX + key, f"{label} ({key}) is missing: it is another one there.")
        if not self.errors and not self.configuration():
            raise ValidationError("Nothing is typed, so everything is kept. Give what is new.")
        return self.cleaned_data

    def _refuse_masks(self) -> None:
        for name, value in list(self.cleaned_data.items()):
            if isinstance(value, str) and entries.holds_mask(value):
                self.add_error(name, "The asterisks stand for something hidden. Type the value.")

    def configuration(self) -> dict[str, str | bool]:
        """Return what to send: what was typed, and nothing of what is kept."""
        typed = {
            name.removeprefix(PREFIX): value
            for name, value in self.cleaned_data.items()
            if value not in ("", None)
        }
        changed = {key: value for key, value in typed.items() if value != self._kept(key)}
        if not self.is_zuora:
            return changed
        chosen = str(typed.get(zuora.TYPE_ENTRY) or self._kept(zuora.TYPE_ENTRY))
        changes_over = {zuora.TYPE_ENTRY, zuora.SANDBOX_ENTRY} & changed.keys()
        group = {key: typed[key] for key in zuora.REQUIRED[chosen] if key in typed}
        others = {key for kind, keys in zuora.REQUIRED.items() for key in keys if kind != chosen}
        sent = changed | (group if changes_over else {})
        return {key: value for key, value in sent.items() if key not in others}

    def _keys(self) -> dict[str, bool]:
        found = entries.credentials(self.before)
        if self.is_zuora:
            ways = {key: key in ("password", "clientSecret") for key in _zuoras_keys()}
            ways[SIGNATURE] = True
            found = ways | {key: found[key] for key in found if key not in ways}
        return found

    def _kept(self, key: str) -> str | bool:
        value = self.before.get(key) or ""
        if self.is_zuora and key == zuora.SANDBOX_ENTRY:
            return entries.is_on(value)
        return value or ("basic" if self.is_zuora and key == zuora.TYPE_ENTRY else "")

    def _field(self, key: str, is_secret: bool, since: datetime | None) -> forms.Field:
        options: dict[str, Any] = {"label": zuora.ENTRY_NAMES.get(key, key), "required": False}
        if is_secret:
            return SecretField(help_text=_keeping(self.before.get(key), since), **options)
        options["initial"] = self._kept(key)
        if self.is_zuora and key == zuora.SANDBOX_ENTRY:
            return forms.BooleanField(**options | {"label": "Zuora sandbox", "help_text": SANDBOX})
        if self.is_zuora and key == zuora.TYPE_ENTRY:
            options |= {"choices": AUTHENTICATION_TYPES, "widget": forms.RadioSelect}
            return forms.ChoiceField(**options)
        widget = forms.TextInput(attrs=PLAIN)
        return TrimmedField(max_length=1000, widget=widget, **options)


SANDBOX = (
    "Zuora has separate credentials for sandbox and production: whoever changes over gives both of "
    "the other system."
)


def _zuoras_keys() -> list[str]:
    ways = [key for keys in zuora.REQUIRED.values() for key in keys]
    return [zuora.SANDBOX_ENTRY, zuora.TYPE_ENTRY, *ways]


def _keeping(value: str | None, since: datetime | None) -> str:
    """Tell what happens to a secret that is not typed."""
    if not value:
        return "Not set so far. Empty: it stays so."
    if since is None:
        return "Kept, not known since when. Empty: it stays as it is."
    return f"Kept since {since:%-d %B %Y, %H:%M} UTC. Empty: it stays as it is."
