"""A key for a program: what it may do, for how long, from where."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_network
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from instances import access
from instances.access import Action
from instances.models import Organization, Scope

LIFETIMES = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "1 year")]
OVERLAPS = [
    ("0", "Not at all: the old key ends at once"),
    ("1", "1 day"),
    ("7", "7 days"),
    ("30", "30 days"),
]
MOST_NETWORKS = 20
DAMAGED = "The form arrived damaged. Reload the page and try again."


class NetworksField(forms.CharField):
    """Addresses and networks, as a list without repetitions."""

    def clean(self, value: Any) -> Any:
        """Return the list in its usual form; name the one that cannot be."""
        text = super().clean(value) or ""
        found = [_network(one) for one in text.replace(",", " ").split()]
        if len(found) > MOST_NETWORKS:
            raise ValidationError(f"At most {MOST_NETWORKS} addresses or networks.")
        return list(dict.fromkeys(found))


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        hint = "such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"
        raise ValidationError(f"“{text[:60]}” is no address or network, {hint}.") from None


class ApiKeyForm(forms.Form):
    """A new key of the person's own."""

    name = forms.CharField(
        max_length=100,
        help_text="Which program it is for, so that you know it again.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Name is missing."},
    )
    organization = forms.ModelChoiceField(
        queryset=Organization.objects.none(),
        empty_label="Choose…",
        error_messages={
            "required": "Organization is missing: choose one.",
            "invalid_choice": "You do not belong to this organization.",
        },
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=Scope.choices,
        initial=[Scope.READ.value],
        widget=forms.CheckboxSelectMultiple,
        help_text="And never more than you may do yourself at that moment.",
        error_messages={"required": "Choose what it may do."},
    )
    days = forms.TypedChoiceField(
        label="It expires after", choices=LIFETIMES, coerce=int, initial="90"
    )
    networks = NetworksField(
        label="Only from",
        required=False,
        max_length=1000,
        help_text="Addresses or networks from which it is taken, with spaces between them. Empty: from everywhere.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "192.0.2.0/24"}
        ),
    )
    client_request_id = forms.UUIDField(
        widget=forms.HiddenInput, error_messages={"required": DAMAGED, "invalid": DAMAGED}
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial={"client_request_id": uuid.uuid4()})
        field = cast("forms.ModelChoiceField[Organization]", self.fields["organization"])
        field.queryset = access.organizations_for(user, Action.VIEW).order_by("name")
        if len(field.queryset) == 1:
            self.initial["organization"] = field.queryset[0]

    @property
    def has_organizations(self) -> bool:
        """Whether there is any organization that a key could be for."""
        field = cast("forms.ModelChoiceField[Organization]", self.fields["organization"])
        return bool(field.queryset)

    def wish(self) -> dict[str, Any]:
        """Return what `operations.make_api_key` needs besides the actor."""
        chosen: Sequence[str] = self.cleaned_data["scopes"]
        return {
            "organization": self.cleaned_data["organization"],
            "name": self.cleaned_data["name"],
            "scopes": [Scope(one) for one in chosen],
            "lifetime": timedelta(days=self.cleaned_data["days"]),
            "networks": self.cleaned_data["networks"],
            "client_request_id": self.cleaned_data["client_request_id"],
        }


class KeyRotationForm(forms.Form):
    """For how long the old key still works beside its successor."""

    overlap = forms.TypedChoiceField(
        label="For so long both work",
        choices=OVERLAPS,
        coerce=int,
        initial="7",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose for how long both work."},
    )
    client_request_id = forms.UUIDField(
        widget=forms.HiddenInput, error_messages={"required": DAMAGED, "invalid": DAMAGED}
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"client_request_id": uuid.uuid4()})

    def wish(self) -> dict[str, Any]:
        """Return what `operations.rotate_api_key` needs besides actor and key."""
        return {
            "overlap": timedelta(days=self.cleaned_data["overlap"]),
            "client_request_id": self.cleaned_data["client_request_id"],
        }
