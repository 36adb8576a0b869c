"""Which part of an instance's timeline is shown, as it stands in the URL."""

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.db import models


class Show(models.TextChoices):
    """What the timeline is narrowed to."""

    ALL = "", "Everything"
    OURS = "ours", "Done here"
    REQUESTS = "requests", "Our requests"
    CHANGES = "changes", "Platform's audit log"
    CALLS = "calls", "Calls"


@dataclass(frozen=True, order=True)
class Place:
    """Where a line stands: by time, then by its source, then by its number."""

    at: datetime
    source: int
    number: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """Read a place; a damaged one counts as absent."""
        try:
            at, source, number = text.split("~")
            place = cls(datetime.fromisoformat(at), int(source), int(number[:18]))
        except ValueError:
            return None
        return place if place.at.tzinfo else None


class TimelineFilter(forms.Form):
    """Filter and page; a value that does not exist filters nothing."""

    show = forms.ChoiceField(required=False, choices=Show.choices)
    after = forms.CharField(required=False, max_length=80)
    before = forms.CharField(required=False, max_length=80)

    @property
    def chosen(self) -> Show:
        self.full_clean()
        return Show(self.cleaned_data.get("show") or "")

    @property
    def older_than(self) -> Place | None:
        self.full_clean()
        return Place.parse(self.cleaned_data.get("after") or "")

    @property
    def newer_than(self) -> Place | None:
        self.full_clean()
        return Place.parse(self.cleaned_data.get("before") or "")
