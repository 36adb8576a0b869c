"""Which part of the record is shown, as it stands in the URL."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from instances.audit import Span
from instances.models import AuditEntry, AuditResult, Organization

BIGGEST = 2**63 - 1


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


class AuditFilter(forms.Form):
    """Filters of the record; what cannot be understood is told, and filters nothing."""

    actor = forms.CharField(label="Who", required=False, max_length=150)
    action = forms.CharField(label="Action", required=False, max_length=60)
    about = forms.CharField(label="ID", required=False, max_length=40)
    organization = forms.ChoiceField(
        label="Organization",
        required=False,
        widget=forms.Select(attrs={"aria-label": "Organization"}),
    )
    result = forms.ChoiceField(
        label="Result",
        required=False,
        choices=[("", "Any result"), *AuditResult.choices],
        widget=forms.Select(attrs={"aria-label": "Result"}),
    )
    since = _day("From")
    until = _day("To")
    before = forms.IntegerField(
        required=False, min_value=1, max_value=BIGGEST, widget=forms.HiddenInput
    )

    def __init__(self, query: QueryDict, *, organizations: Iterable[Organization]) -> None:
        super().__init__(query)
        choice = cast("forms.ChoiceField", self.fields["organization"])
        choice.choices = [
            ("", "Any organization"),
            *((str(one.pk), str(one)) for one in organizations),
        ]
        self.full_clean()

    @property
    def is_set(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.as_said())

    @property
    def is_narrow(self) -> bool:
        """Whether an index finds what is looked for by itself."""
        return bool(self.cleaned_data.get("about")) and not self._is_request

    @property
    def _is_request(self) -> bool:
        """Whether the id is one of a request: 32 hex digits without dashes."""
        text: str = self.cleaned_data.get("about", "")
        return len(text) == 32 and "-" not in text

    def narrow(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Return those of the rows that match."""
        return rows.filter(**{name: value for name, value in self._wanted() if value})

    def _wanted(self) -> list[tuple[str, Any]]:
        said = self.cleaned_data.get
        return [
            ("actor_name", said("actor")),
            ("action__startswith", said("action")),
            ("request_id" if self._is_request else "object_id", said("about")),
            ("organization_id", said("organization")),
            ("result", said("result")),
            ("at__gte", _midnight(said("since"))),
            ("at__lt", _midnight(said("until"), days=1)),
        ]

    def as_said(self) -> dict[str, str]:
        """Return the filters that are on, as plain texts; a page is none."""
        return {
            name: str(value)
            for name, value in self.cleaned_data.items()
            if value and name != "before"
        }

    def days(self) -> Span:
        """Return the part of the record that is of the days."""
        said = self.cleaned_data.get
        return Span.between(_midnight(said("since")), _midnight(said("until"), days=1))

    def rest(self) -> Span:
        """Return what is left of that below where the page before ended."""
        days, before = self.days(), self.cleaned_data.get("before")
        return days if before is None else Span(days.bottom, min(days.top, before))


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    if day is None or day.year >= date.max.year:
        return None
    return datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=days)
