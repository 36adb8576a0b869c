"""Which person is meant, by user name or e-mail address."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q


class PersonField(forms.CharField):
    """A person with an account that is switched on; empty gives None."""

    def __init__(self, **options: Any) -> None:
        typed = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        usual: dict[str, Any] = {
            "max_length": 254,
            "help_text": "User name or e-mail address.",
            "widget": forms.TextInput(attrs=typed),
        }
        super().__init__(**(usual | options))

    def clean(self, value: Any) -> Any:
        """Return the person."""
        text = super().clean(value)
        return find_person(text) if text else None


def find_person(text: str) -> User:
    """
    Find a person by user name, else by an address that only one person has.

    :raises ValidationError: there is none, or several have the address.
    """
    people = User.objects.filter(Q(username=text) | Q(email__iexact=text), is_active=True)
    found = list(people.order_by("pk")[:10])
    exact = [person for person in found if person.username == text] or found
    if len(exact) > 1:
        raise ValidationError("Several people have this address: give the user name.")
    if not exact:
        raise ValidationError("Nobody here has this user name or e-mail address.")
    return exact[0]
