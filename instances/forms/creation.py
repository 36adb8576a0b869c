"""Ask for a Zuora instance: every entry, and each missing one by its name."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import QueryDict

from instances import access, zuora
from instances.access import Action
from instances.forms.environments import EnvironmentQuestion
from instances.forms.secrets import SecretField
from instances.forms.spaces import TrimmedField
from instances.models import Instance, Organization

AUTHENTICATION_TYPES = [
    ("basic", "User name and password"),
    ("custom", "OAuth client"),
]
NULL_CHOICES = [
    ("", "As the platform does it"),
    ("true", "Leave out empty fields"),
    ("false", "Keep empty fields"),
]
# Which field of the form holds which entry of the configuration.
FIELDS = {
    zuora.SANDBOX_ENTRY: "is_sandbox",
    zuora.TYPE_ENTRY: "authentication_type",
    "username": "username",
    "password": "password",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "event.notification.enabled": "has_events",
    "event.notification.callback.url": "callback_url",
    "event.notification.signature.key": "signature_key",
    "filter.response.nulls": "filter_nulls",
}
SECRET_FIELDS = ("password", "client_secret", "signature_key")
TAG_LENGTH = 255


Configuration = dict[str, str | bool]


def configuration_of(values: dict[str, Any]) -> Configuration:
    """Return the entries to send: those of the chosen authentication, and what was set."""
    chosen = values.get("authentication_type") or "basic"
    entries: Configuration = {zuora.SANDBOX_ENTRY: bool(values.get("is_sandbox"))}
    # The guide's own example has no type for basic, so neither have we.
    if chosen != "basic":
        entries[zuora.TYPE_ENTRY] = chosen
    for key in zuora.REQUIRED[chosen]:
        entries[key] = values.get(FIELDS[key]) or ""
    if values.get("has_events"):
        entries["event.notification.enabled"] = True
        entries["event.notification.callback.url"] = values.get("callback_url") or ""
        if values.get("signature_key"):
            entries["event.notification.signature.key"] = values["signature_key"]
    if values.get("filter_nulls"):
        entries["filter.response.nulls"] = values["filter_nulls"] == "true"
    return entries


class OrganizationChoice(forms.ModelChoiceField[Organization]):
    """An organization, with what people call its environment."""

    def label_from_instance(self, obj: Organization) -> str:
        """Tell apart organizations of like names, and say when one has to wait."""
        label = f"{obj.name} ({obj.environment_label})" if obj.environment_label else obj.name
        return f"{label}: waits for new secrets" if obj.is_refused else label


class TagsField(forms.CharField):
    """Tags separated by commas, as a list without repetitions."""

    def clean(self, value: Any) -> Any:
        """Return the list of tags; name the one that cannot be."""
        text = super().clean(value) or ""
        tags = list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))
        for tag in tags:
            if len(tag) > TAG_LENGTH:
                raise ValidationError(f"A tag has at most {TAG_LENGTH} characters: {tag[:40]}…")
            if tag.lower().startswith("ced-"):
                raise ValidationError(
                    f"“{tag[:60]}” looks like a tag of Elementdesk's own. Choose another."
                )
            if not tag.isprintable():
                raise ValidationError("A tag contains a character that cannot be seen.")
        return tags


class InstanceForm(forms.Form):
    """A new Zuora instance; both ways to authenticate, and the optional settings."""

    organization = OrganizationChoice(
        queryset=Organization.objects.none(),
        empty_label="Choose…",
        error_messages={
            "required": "Organization is missing: choose one.",
            "invalid_choice": "You may not create instances in this organization.",
        },
    )
    name = forms.CharField(
        max_length=255,
        strip=False,
        help_text="Goes out exactly as typed. The platform removes HTML tags from it and turns "
        "words that begin with @ into tags.",
        error_messages={"required": "Name (name) is missing."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_sandbox = forms.BooleanField(
        label="Zuora sandbox",
        required=False,
        initial=True,
        help_text="Zuora has separate credentials for sandbox and production. On: use the "
        "sandbox's own. Off: this connects to the production account and needs production's.",
    )
    authentication_type = forms.ChoiceField(
        label="Authentication",
        choices=AUTHENTICATION_TYPES,
        initial="basic",
        widget=forms.RadioSelect,
        error_messages={"required": "Authentication (authentication.type) is missing."},
    )
    username = TrimmedField(
        label="User name",
        required=False,
        max_length=255,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = SecretField(label="Password", required=False)
    client_id = TrimmedField(
        label="Client ID",
        required=False,
        help_text="In Zuora's administration, on the page of a user that only programs use: New OAuth "
        "Client.",
        max_length=255,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    client_secret = SecretField(
        label="Client secret",
        required=False,
        help_text="Zuora shows it only once, when the OAuth client is made.",
    )
    tags = TagsField(
        required=False,
        max_length=4000,
        help_text="Separated by commas. Elementdesk adds one of its own, by which it finds the "
        "instance again if the platform's answer is lost.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    has_events = forms.BooleanField(
        label="Events",
        required=False,
        help_text="Zuora's callouts are passed on to the callback URL.",
    )
    callback_url = forms.URLField(
        label="Callback URL",
        required=False,
        assume_scheme="https",
        max_length=1000,
        error_messages={"invalid": "Callback URL is not an address such as https://…"},
        help_text="Where the platform posts events.",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )
    signature_key = SecretField(
        label="Signature key",
        required=False,
        help_text="Optional. The platform signs each event with it.",
    )
    filter_nulls = forms.ChoiceField(
        label="Empty fields in responses",
        choices=NULL_CHOICES,
        required=False,
        help_text="Whether fields without a value are left out (filter.response.nulls).",
    )
    client_request_id = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={
            "required": "The form arrived incomplete. Reload the page and try again.",
            "invalid": "The form arrived damaged. Reload the page and try again.",
        },
    )

    def __init__(self, data: Any = None, *, user: User, initial: Any = None) -> None:
        super().__init__(data, initial={"client_request_id": uuid.uuid4()} | (initial or {}))
        self.environment = EnvironmentQuestion(self, "is_sandbox")
        choices = access.organizations_for(user, Action.CREATE).filter(is_active=True)
        field = cast(OrganizationChoice, self.fields["organization"])
        field.queryset = choices.order_by("name")
        if len(field.queryset) == 1:
            self.initial.setdefault("organization", field.queryset[0])

    @property
    def has_organizations(self) -> bool:
        """Whether there is anywhere to create an instance."""
        field = self.fields["organization"]
        return isinstance(field, OrganizationChoice) and bool(field.queryset)

    @property
    def is_optional_part_open(self) -> bool:
        """Whether the folded part has something to show."""
        optional = ("has_events", "callback_url", "signature_key", "filter_nulls")
        return any(self.errors.get(name) or self[name].value() for name in optional)

    def clean_name(self) -> str:
        """Refuse a name of spaces only; any other goes out as typed."""
        name: str = self.cleaned_data["name"]
        if not name.strip():
            raise ValidationError(self.fields["name"].error_messages["required"])
        return name

    def clean(self) -> dict[str, Any]:
        """Name every entry that is missing, at once."""
        cleaned = self.cleaned_data
        for key in zuora.missing_entries(self.configuration()):
            if not self.errors.get(FIELDS[key]):
                self.add_error(FIELDS[key], f"{zuora.ENTRY_NAMES[key]} ({key}) is missing.")
        if not cleaned.get("has_events"):
            for name in ("callback_url", "signature_key"):
                if cleaned.get(name):
                    self.add_error(
                        "has_events",
                        f"{self.fields[name].label} is given, but events are off. "
                        "Switch events on, or leave it empty.",
                    )
        return cleaned

    def say_reused(self, instance: Instance) -> None:
        """Explain that this form was sent before; sent once more, it asks for another instance."""
        self.data = {**dict(self.data.items()), "client_request_id": str(uuid.uuid4())}
        self.add_error(
            None,
            f"This form had been sent before with other content, for “{instance.name}”, and nothing "
            "new was started. Send it once more to ask for another instance.",
        )

    def configuration(self) -> Configuration:
        """Return the entries to send."""
        return configuration_of(self.cleaned_data)

    def wish(self) -> dict[str, Any]:
        """Return what `operations.request_instance` needs besides the requester."""
        return {
            "organization": self.cleaned_data["organization"],
            "element_key": zuora.ELEMENT_KEY,
            "name": self.cleaned_data["name"],
            "configuration": self.configuration(),
            "tag_names": self.cleaned_data["tags"],
            "client_request_id": self.cleaned_data["client_request_id"],
            "heeds_environment": not self.environment.is_confirmed,
        }


def initial_typed(data: QueryDict) -> dict[str, Any]:
    """Return what was typed so far, as the beginning of another form: everything but secrets."""
    typed = {
        name: data.get(name, "") for name in InstanceForm.base_fields if name not in SECRET_FIELDS
    }
    # A browser leaves a switch that is off out altogether.
    return typed | {name: name in data for name in ("is_sandbox", "has_events")}
