"""Share an instance with a person or a team."""

from datetime import UTC, datetime, time
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from instances.forms.person import PersonField
from instances.models import Instance, ShareLevel, Team

LEVELS = [
    (ShareLevel.VIEW.value, "View: see state, configuration and activity"),
    (ShareLevel.USE.value, "Use: also copy and reveal its token"),
    (ShareLevel.MANAGE.value, "Manage: also change it and share it with others"),
]
HELD = "Somebody else shared it with them already: only they, its owner or an admin changes that."


def teams_for(instance: Instance) -> QuerySet[Team]:
    """Return the teams with which an instance can be shared, those of its organization first."""
    of = Q(organization=instance.organization_id) | Q(organization__isnull=True)
    return Team.objects.filter(of).order_by(F("organization").asc(nulls_last=True), "name")


class ShareForm(forms.Form):
    """With whom, how far, until when."""

    person = PersonField(required=False)
    team = forms.ModelChoiceField(
        queryset=Team.objects.none(), required=False, empty_label="No team"
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

    def __init__(self, data: Any = None, *, actor: User, instance: Instance) -> None:
        super().__init__(data)
        self.actor = actor
        teams = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        teams.queryset = teams_for(instance).order_by("name")

    def clean_person(self) -> User | None:
        """Refuse the actor: it is about others."""
        person: User | None = self.cleaned_data["person"]
        if person == self.actor:
            raise ValidationError("That is you: you have it already.")
        return person

    def say_held(self) -> None:
        """Say that the earlier share is another's; for `operations.NotTheirShareError`."""
        self.add_error(None, HELD)

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
