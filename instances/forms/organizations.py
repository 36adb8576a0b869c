"""Add or change an organization; its two secrets go in and never come out."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances import hosts
from instances.models import Organization
from instances.operations import SecretPair
from instances.secret import Secret

NAME_TAKEN = "Another organization has this name."
SECRETS = ("user_secret", "organization_secret")
MOVED = "The address leads to another server, and secrets are bound to theirs: enter both again."
INCOMPLETE = "Both secrets belong together: enter both, or leave both empty to keep them."


def secret_input() -> forms.PasswordInput:
    """Return an input that browsers neither fill nor remember."""
    return forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})


class OrganizationForm(forms.Form):
    """One account on the platform, as its admins describe it."""

    name = forms.CharField(
        max_length=100,
        error_messages={"required": "Name is missing."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    base_url = forms.CharField(
        label="Base URL",
        max_length=300,
        help_text="Choose one of the platform's public hosts or type another. "
        "The path /elements/api-v2 may be left out.",
        error_messages={"required": "Base URL is missing."},
        widget=forms.TextInput(
            attrs={"list": "hosts", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    environment_label = forms.CharField(
        label="Environment",
        required=False,
        max_length=40,
        help_text="What people call it, such as Production or Staging.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    user_secret = forms.CharField(
        label="User secret", required=False, max_length=1000, widget=secret_input()
    )
    organization_secret = forms.CharField(
        label="Organization secret", required=False, max_length=1000, widget=secret_input()
    )
    calls_in_flight = forms.IntegerField(
        label="Calls in flight",
        required=False,
        min_value=1,
        max_value=1000,
        help_text="At most so many calls at once. Empty: as for every organization.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    asks_reason = forms.BooleanField(
        label="Ask for a reason",
        required=False,
        help_text="Whoever copies or reveals a token says why; the reason is in the audit record.",
    )
    is_active = forms.BooleanField(
        label="In use",
        required=False,
        initial=True,
        help_text="Off: nothing is sent with its secrets, and no instance can be asked for.",
    )

    def __init__(self, data: Any = None, *, organization: Organization | None = None) -> None:
        self.organization = organization
        super().__init__(data, initial=_initial(organization))
        if organization is None:
            del self.fields["is_active"]
        for name in SECRETS:
            self.fields[name].help_text = secret_help(organization)

    def clean_name(self) -> str:
        """Refuse a name that another organization has."""
        name = str(self.cleaned_data["name"])
        others = Organization.objects.filter(name=name)
        if self.organization is not None:
            others = others.exclude(pk=self.organization.pk)
        if others.exists():
            raise ValidationError(NAME_TAKEN)
        return name

    def clean_base_url(self) -> str:
        """Return the address in its one form."""
        try:
            return hosts.normalize(self.cleaned_data["base_url"])
        except hosts.HostRefusedError as error:
            raise ValidationError(str(error)) from error

    def say_taken(self) -> None:
        """Say that the name is taken; for `operations.NameTakenError`."""
        self.add_error("name", NAME_TAKEN)

    def ask_for_secrets(self) -> None:
        """Say at each missing secret why it is needed; for `operations.SecretsNeededError`."""
        is_given = any(self.cleaned_data.get(name) for name in SECRETS)
        for name in SECRETS:
            if not self.cleaned_data.get(name):
                reason = why_secrets_needed(self.organization, is_given=is_given)
                self.add_error(name, f"{self.fields[name].label} is missing. {reason}".strip())

    def changes(self) -> dict[str, Any]:
        """Return what the operations need besides the actor and the organization."""
        cleaned = dict(self.cleaned_data)
        pair = [Secret(cleaned.pop(name) or "") for name in SECRETS]
        return {**cleaned, "secrets": SecretPair(*pair)}


def _initial(organization: Organization | None) -> dict[str, Any]:
    names = ("name", "base_url", "environment_label", "calls_in_flight", "asks_reason", "is_active")
    return {name: getattr(organization, name) for name in names} if organization else {}


def why_secrets_needed(organization: Organization | None, *, is_given: bool) -> str:
    """Return the sentence that explains why a secret that was left empty is needed."""
    if organization is None:
        return ""
    return INCOMPLETE if is_given else MOVED


def secret_help(organization: Organization | None) -> str:
    """Return what stands below a field for a secret."""
    if organization is None:
        return "From the platform's own pages. It is sealed at once and never shown again."
    since = f"Set on {organization.secrets_set_at:%-d %B %Y}. Leave both empty to keep them."
    return f"{since} New ones are checked first; until then these are used."
