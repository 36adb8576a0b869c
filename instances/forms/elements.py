"""Ask for an instance of any element: a form made of what the platform's catalog says it asks for."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances import element_entries, entries, oauth
from instances.element_entries import Entry
from instances.forms.creation import TagsField
from instances.forms.entries import LONGEST, field_for, name_of
from instances.forms.secrets import SecretField
from instances.models import Element, Environment, Instance

# Value and words of a way in, and its fields, each with whether it is required.
Way = tuple[str, str, list[tuple[forms.BoundField, bool]]]


class ElementForm(forms.Form):
    """Name, tags and environment, one field for each entry of the element, or a refresh token."""

    name = forms.CharField(
        max_length=255,
        strip=False,
        help_text="Goes out exactly as typed.",
        error_messages={"required": "Name (name) is missing."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    environment = forms.ChoiceField(
        required=False,
        choices=[("", "Not said"), *Environment.choices],
        help_text="Which of the provider's systems it is; for people, nothing is sent.",
    )
    tags = TagsField(
        required=False,
        max_length=4000,
        help_text="Separated by commas. Elementdesk adds one of its own.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    refresh_token = SecretField(
        label="Existing refresh token",
        required=False,
        max_length=LONGEST,
        help_text="Only if you have one already, of the same application: then nobody has to go to "
        "the provider.",
    )
    client_request_id = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={
            "required": "The form arrived incomplete. Reload the page and try again.",
            "invalid": "The form arrived damaged. Reload the page and try again.",
        },
    )

    def __init__(
        self, data: Any = None, *, element: Element, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial={"client_request_id": uuid.uuid4()} | dict(initial or {}))
        self.element = element
        self.may_ask_consent = oauth.may_ask_consent(element)
        if not self.may_ask_consent:
            del self.fields["refresh_token"]
        # The callback is this server's own, whatever anybody types.
        self.asked = [
            each
            for each in element.asked_for
            if not (self.may_ask_consent and each["key"] == oauth.CALLBACK)
        ]
        for entry in self.asked:
            self.fields[name_of(entry)] = field_for(entry)

    @property
    def ways(self) -> list[tuple[forms.BoundField, list[Way]]]:
        """Each entry that chooses among ways in, with the words and the fields of each way."""
        return [
            (self._bound(entry), [(value, words, self._of(value)) for value, words in choices])
            for entry in self.asked
            if entry["chooses_group"] and (choices := entry["options"])
        ]

    @property
    def needed_fields(self) -> list[forms.BoundField]:
        """The fields that every way in needs."""
        return [self._bound(each) for each in self._common() if each["is_required"]]

    @property
    def optional_fields(self) -> list[forms.BoundField]:
        """The fields that may be left empty."""
        return [self._bound(each) for each in self._common() if not each["is_required"]]

    @property
    def is_optional_part_open(self) -> bool:
        """Whether the folded part has something to show: an error, or what was typed or taken over."""
        return any(
            field.errors or (field.value() or "") != (field.field.initial or "")
            for field in self.optional_fields
        )

    @property
    def secret_names(self) -> str:
        """The names of the fields whose values stay in the browser until the form is sent."""
        names = [name for name, field in self.fields.items() if isinstance(field, SecretField)]
        return ",".join(names)

    def clean(self) -> dict[str, Any]:
        """Name every entry that the chosen way in needs and that is missing, at once."""
        if not self.cleaned_data.get("name", "").strip() and not self.errors.get("name"):
            self.add_error("name", "Name (name) is missing.")
        for entry in self._in_use():
            self._check(entry)
        if self.cleaned_data.get("refresh_token") and not self._asks_consent():
            self.add_error(
                "refresh_token", "A refresh token is for OAuth: choose that way, or leave it."
            )
        return self.cleaned_data

    def _check(self, entry: Entry) -> None:
        name, value = name_of(entry), self._value(entry)
        if entry["is_required"] and not value and not self.errors.get(name):
            self.add_error(name, f"{entry['name']} ({entry['key']}) is missing.")
        if isinstance(value, str) and entries.holds_mask(value):
            self.add_error(name, "The asterisks stand for something hidden. Type the value.")

    def configuration(self) -> dict[str, str | bool]:
        """Return the entries to send: those of the chosen way in that have a value."""
        typed = {str(each["key"]): self._value(each) for each in self._in_use()}
        typed[oauth.REFRESH_TOKEN] = self.cleaned_data.get("refresh_token") or typed.get(
            oauth.REFRESH_TOKEN
        )
        return {key: value for key, value in typed.items() if value}

    def wish(self) -> dict[str, Any]:
        """Return what `operations.request_instance` needs besides the requester."""
        return {
            "organization": self.element.organization,
            "element_key": self.element.element_key,
            "name": self.cleaned_data["name"],
            "environment": self.cleaned_data["environment"],
            "configuration": self.configuration(),
            "tag_names": self.cleaned_data["tags"],
            "client_request_id": self.cleaned_data["client_request_id"],
        }

    def say_reused(self, instance: Instance) -> None:
        """Explain that this form was sent before; sent once more, it asks for another instance."""
        self.data = {**dict(self.data.items()), "client_request_id": str(uuid.uuid4())}
        text = f"This form had been sent before with other content, for “{instance.name}”. "
        self.add_error(None, ValidationError(f"{text}Send it once more to ask for another one."))

    def _common(self) -> list[Entry]:
        """Return the entries of no way in, and of a group that nobody can choose."""
        grouped = {
            value for each in self.asked if each["chooses_group"] for value, _ in each["options"]
        }
        return [
            each
            for each in self.asked
            if each["group"] not in grouped and not (each["chooses_group"] and each["options"])
        ]

    def _of(self, group: str) -> list[tuple[forms.BoundField, bool]]:
        mine = [each for each in self.asked if each["group"] == group]
        return [(self._bound(each), bool(each["is_required"])) for each in mine]

    def _chosen(self) -> dict[str, str | bool]:
        choosing = [each for each in self.asked if each["chooses_group"]]
        return {str(each["key"]): self._value(each) or "" for each in choosing}

    def _in_use(self) -> list[Entry]:
        in_use = element_entries.in_use(self.element, self._chosen())
        return [each for each in in_use if each in self.asked]

    def _asks_consent(self) -> bool:
        return bool(oauth.protocol_of(self.element, self._chosen()))

    def _value(self, entry: Entry) -> Any:
        return self.cleaned_data.get(name_of(entry))

    def _bound(self, entry: Entry) -> forms.BoundField:
        return self[name_of(entry)]
