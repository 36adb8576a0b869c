"""Edit an instance: what it was when it was shown, what it is by now, and what it shall be."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils import timezone

from instances import entries, zuora
from instances.forms.creation import TagsField
from instances.models import Instance
from instances.operations import Difference, Edition, differences

SALT = "instances.edition"
PREFIX = "entry."
# Offered for a Zuora instance even where the platform shows none of them.
OFFERED = (entries.EVENTS, entries.CALLBACK, entries.NULLS)
NULL_CHOICES = [
    ("", "As the platform does it"),
    ("true", "Leave out empty fields"),
    ("false", "Keep empty fields"),
]


class EditForm(forms.Form):
    """Name, tags and single values; it carries what its reader saw, signed."""

    name = forms.CharField(
        max_length=255,
        strip=False,
        help_text="The platform removes HTML tags from it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Name is missing."},
    )
    tags = TagsField(
        required=False,
        max_length=4000,
        help_text="Separated by commas. Elementdesk's own tag always stays.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, instance: Instance) -> None:
        self.present = Edition.of(instance)
        self.seen_edition, self.seen_at = self.present, timezone.now()
        self.is_damaged = data is not None and not self._read(data.get("seen", ""))
        super().__init__(data, initial=self._initial())
        offered = OFFERED if instance.element_key == zuora.ELEMENT_KEY else ()
        values = self.seen_edition.values
        for key in dict.fromkeys([*offered, *values, *self.present.values]):
            self.fields[PREFIX + key] = _field(key, values.get(key, ""))
            self.initial[PREFIX + key] = _shown(key, values.get(key, ""))

    @property
    def event_fields(self) -> list[forms.BoundField]:
        """The fields that a person looks for: events, their callback, empty fields."""
        return [self[PREFIX + key] for key in OFFERED if PREFIX + key in self.fields]

    @property
    def other_fields(self) -> list[forms.BoundField]:
        """Every other value that can be edited."""
        named = [name for name in self.fields if name.startswith(PREFIX)]
        return [self[name] for name in named if name.removeprefix(PREFIX) not in OFFERED]

    @property
    def is_other_part_open(self) -> bool:
        """Whether the folded part holds an error or a change."""
        return any(field.errors or field.name in self.changed_data for field in self.other_fields)

    def clean_name(self) -> str:
        """Refuse a name of spaces only."""
        name: str = self.cleaned_data["name"]
        if not name.strip():
            raise ValidationError(self.fields["name"].error_messages["required"])
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse hidden values taken for real ones, and events that go nowhere."""
        if self.is_damaged:
            raise ValidationError("The form arrived damaged. Reload the page and try again.")
        cleaned = self.cleaned_data
        for change in self.changes():
            if PREFIX + change.what in self.fields and entries.holds_mask(change.after):
                message = "The asterisks stand for something hidden. Type the whole value."
                self.add_error(PREFIX + change.what, message)
        has_events = cleaned.get(PREFIX + entries.EVENTS)
        callback = PREFIX + entries.CALLBACK
        if has_events and callback in cleaned and not cleaned[callback]:
            self.add_error(callback, "Callback URL is missing: events are on.")
        return cleaned

    def wanted(self) -> Edition:
        """Return how the instance shall be."""
        values = dict(self.seen_edition.values)
        for name, typed in self.cleaned_data.items():
            key = name.removeprefix(PREFIX)
            if name.startswith(PREFIX) and typed != _shown(key, values.get(key, "")):
                values[key] = str(typed).lower() if isinstance(typed, bool) else typed
        seen = self.seen_edition
        name = self.cleaned_data.get("name", seen.name)
        return Edition(name, tuple(self.cleaned_data.get("tags", seen.tags)), values)

    def changes(self) -> list[Difference]:
        """Return what would be sent."""
        return differences(self.seen_edition, self.wanted())

    def theirs(self) -> list[Difference]:
        """Return what others changed since the form was shown."""
        return differences(self.seen_edition, self.present)

    def digest(self) -> str:
        """Return what stands for exactly these changes: only what was reviewed is sent."""
        changed = [(one.what, one.before, one.after) for one in self.changes()]
        return hashlib.sha256(json.dumps(changed).encode()).hexdigest()[:32]

    def caught_up(self, instance: Instance) -> "EditForm":
        """Return the form as of now: what was typed is kept, everything else is as others left it."""
        fresh = EditForm(instance=instance)
        typed = {name: self[name].value() for name in self.changed_data if name in fresh.fields}
        data = {name: fresh[name].value() for name in fresh.fields} | typed
        data["seen"] = fresh.initial["seen"]
        return EditForm({k: v for k, v in data.items() if v is not False}, instance=instance)

    def _initial(self) -> dict[str, Any]:
        seen = self.seen_edition
        kept = {"name": seen.name, "tags": seen.tags, "values": seen.values}
        signed = signing.dumps(kept | {"at": self.seen_at.isoformat()}, salt=SALT, compress=True)
        return {"name": seen.name, "tags": ", ".join(seen.tags), "seen": signed}

    def _read(self, text: str) -> bool:
        try:
            kept = signing.loads(text, salt=SALT)
        except signing.BadSignature:
            return False
        self.seen_edition = Edition(kept["name"], tuple(kept["tags"]), kept["values"])
        self.seen_at = datetime.fromisoformat(kept["at"])
        return True


def _is_switch(key: str, value: str) -> bool:
    return key == entries.EVENTS or (key != entries.NULLS and value in ("true", "false"))


def _shown(key: str, value: str) -> str | bool:
    return entries.is_on(value) if _is_switch(key, value) else value


def _field(key: str, value: str) -> forms.Field:
    options: dict[str, Any] = {"label": zuora.ENTRY_NAMES.get(key, key), "required": False}
    if _is_switch(key, value):
        return forms.BooleanField(**options)
    if key == entries.NULLS:
        options["label"] = "Empty fields in responses"
        return forms.ChoiceField(choices=NULL_CHOICES, **options)
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(max_length=entries.LONGEST, strip=False, widget=widget, **options)
