"""Share an instance with a person or a team."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from instances.models import ShareLevel, Team

LEVELS = [
    (ShareLevel.VIEW.value, "View: see state, configuration and activity"),
    (ShareLevel.USE.value, "Use: also copy and reveal its token"),
    (ShareLevel.MANAGE.value, "Manage: also change it and share it with others"),
]


class ShareForm(forms.Form):
    """With whom, how far, until when."""

    person = forms.CharField(
        required=False,
        max_length=254,
        help_text="User name or e-mail address.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.order_by("name"), required=False, empty_label="No team"
    )
    level = forms.ChoiceField(
        label="What they may do",
        choices=LEVELS,
        initial=ShareLevel.VIEW.value,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what they may do."},
    )
    until = forms.DateField(
        required=False,
        help_text="Until the end of that day (UTC). Empty: until somebody removes it.",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Until is not a date."},
    )

    def __init__(self, data: Any = None, *, actor: User) -> None:
        super().__init__(data)
        self.actor = actor

    def clean_person(self) -> User | None:
        """Find the person by user name, else by an address that only one person has."""
        text = self.cleaned_data["person"]
        if not text:
            return None
        people = User.objects.filter(Q(username=text) | Q(email__iexact=text), is_active=True)
        found = list(people.order_by("pk")[:10])
        exact = [person for person in found if person.username == text] or found
        if len(exact) > 1:
            raise ValidationError("Several people have this address: give the user name.")
        if not exact:
            raise ValidationError("Nobody here has this user name or e-mail address.")
        if exact[0] == self.actor:
            raise ValidationError("That is you: you have it already.")
        return exact[0]

    def clean_until(self) -> datetime | None:
        """Return the end of the day."""
        day = self.cleaned_data["until"]
        if day is None:
            return None
        end = datetime.combine(day, time(23, 59, 59), tzinfo=UTC)
        if end < timezone.now():
            raise ValidationError("Until is in the past.")
        return end

    def clean(self) -> dict[str, Any]:
        """Want one recipient, neither none nor two."""
        cleaned = self.cleaned_data
        if "person" in cleaned and "team" in cleaned:
            if not cleaned["person"] and not cleaned["team"]:
                self.add_error("person", "Name a person or choose a team.")
            elif cleaned["person"] and cleaned["team"]:
                self.add_error("person", "Name a person or choose a team, not both.")
        return cleaned

    def wish(self) -> dict[str, Any]:
        """Return what `operations.share_instance` needs besides actor and instance."""
        return {
            "user": self.cleaned_data["person"],
            "team": self.cleaned_data["team"],
            "level": ShareLevel(self.cleaned_data["level"]),
            "expires_at": self.cleaned_data["until"],
        }
