"""Ask for an instance of an element that a person allows at its provider."""

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances import entries, oauth
from instances.forms.creation import TagsField
from instances.forms.secrets import SecretField
from instances.models import Element, Environment, Instance
from instances.secret_names import is_secret_name

PREFIX = "entry."
LENGTH = re.compile(r"TEXTFIELD_(\d{1,4})$")
LONGEST = 4000
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
YES_NO = [("true", "Yes"), ("false", "No")]
AS_IT_IS = ("", "As the platform does it")

Entry = Mapping[str, Any]


class ConsentForm(forms.Form):
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
        error_messages={"required": "The form arrived incomplete. Reload the page and try again."},
    )

    def __init__(self, data: Any = None, *, element: Element) -> None:
        super().__init__(data, initial={"client_request_id": uuid.uuid4()})
        self.element = element
        # The callback is this server's own, whatever anybody types.
        self.asked = [each for each in element.asked_for if each["key"] != oauth.CALLBACK]
        for entry in self.asked:
            self.fields[f"{PREFIX}{entry['key']}"] = field_for(entry)

    @property
    def chooser(self) -> Entry | None:
        """The entry that chooses among the ways in, if the element leaves a choice."""
        return next((each for each in self.asked if each["chooses_group"]), None)

    @property
    def chooser_field(self) -> forms.BoundField | None:
        """The field of that entry."""
        return self._bound(self.chooser) if self.chooser else None

    @property
    def ways(self) -> list[tuple[str, str, list[tuple[forms.BoundField, bool]]]]:
        """Each way in, with its words, its fields, and whether it needs them."""
        options = self.chooser["options"] if self.chooser else []
        return [(value, words, self._of_way(value)) for value, words in options]

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
        """Whether the folded part has an error to show."""
        return any(field.errors for field in self.optional_fields)

    def clean(self) -> dict[str, Any]:
        """Name every entry that the chosen way in needs and that is missing, at once."""
        if not self.cleaned_data.get("name", "").strip() and not self.errors.get("name"):
            self.add_error("name", "Name (name) is missing.")
        for entry in self._in_use():
            name = f"{PREFIX}{entry['key']}"
            value = self.cleaned_data.get(name)
            if entry["is_required"] and not value and not self.errors.get(name):
                self.add_error(name, f"{entry['name']} ({entry['key']}) is missing.")
            if isinstance(value, str) and entries.holds_mask(value):
                self.add_error(name, "The asterisks stand for something hidden. Type the value.")
        if self.cleaned_data.get("refresh_token") and not self._is_oauth():
            self.add_error(
                "refresh_token", "A refresh token is for OAuth: choose that way, or leave it."
            )
        return self.cleaned_data

    def configuration(self) -> dict[str, str | bool]:
        """Return the entries to send: those of the chosen way in that have a value."""
        typed = {each["key"]: self._value(each) for each in self._in_use()}
        typed[oauth.REFRESH_TOKEN] = self.cleaned_data.get("refresh_token")
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

    def _of_way(self, value: str) -> list[tuple[forms.BoundField, bool]]:
        entries_of = [each for each in self.asked if each["group"] == value]
        return [(self._bound(each), bool(each["is_required"])) for each in entries_of]

    def _common(self) -> list[Entry]:
        return [each for each in self.asked if not each["group"] and each != self.chooser]

    def _in_use(self) -> Iterator[Entry]:
        chosen = self._value(self.chooser) if self.chooser else None
        yield from (each for each in self.asked if each["group"] in ("", chosen))

    def _is_oauth(self) -> bool:
        configuration = {each["key"]: self._value(each) or "" for each in self._in_use()}
        return bool(oauth.protocol_of(self.element, configuration))

    def _value(self, entry: Entry) -> Any:
        return self.cleaned_data.get(f"{PREFIX}{entry['key']}")

    def _bound(self, entry: Entry) -> forms.BoundField:
        return self[f"{PREFIX}{entry['key']}"]


def field_for(entry: Entry) -> forms.Field:
    """Return the field of one entry; what is required depends on the way in, and is checked there."""
    kind, options = entry["kind"], [(value, words) for value, words in entry["options"]]
    about = {"label": entry["name"], "help_text": _help(entry), "required": False}
    if kind == "PASSWORD" or is_secret_name(entry["key"]):
        return SecretField(max_length=LONGEST, **about)
    about["initial"] = entry["default"]
    if kind.startswith("BOOLEAN"):
        options = options or YES_NO
    if options:
        usual = [] if entry["chooses_group"] or entry["default"] else [AS_IT_IS]
        return forms.ChoiceField(choices=[*usual, *options], **about)
    length = LENGTH.match(kind)
    is_long = kind in ("TEXTAREA", "CODE_EDITOR")
    widget = forms.Textarea(attrs=PLAIN | {"rows": 4}) if is_long else forms.TextInput(attrs=PLAIN)
    return forms.CharField(max_length=int(length[1]) if length else LONGEST, widget=widget, **about)


def _help(entry: Entry) -> str:
    """Return the platform's words, unless they only repeat the name."""
    return "" if entry["description"] == entry["name"] else str(entry["description"])
