"""What the list of instances shows: search and filters, as they stand in the URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from instances import prepared
from instances.models import (
    Environment,
    HealthState,
    Instance,
    InstanceStatus,
    search,
    shown_health,
)
from instances.models.instance import DISABLED
from instances.models.walk import Readable, Walk
from instances.reach import Reach

COLUMNS = {
    "environment": "environment",
    "organization": "organization",
    "element": "element_key",
}
SELECTS = ("status", "health", "environment", "organization", "owner")
# Filters by which few rows are left, or whose index is walked in order by itself.
NARROW = ("owner", "organization")
# With these there is no need of an index by health.
FEW = {"owner", "tag", "q"}
CHIP_NAMES = {
    "q": "Search",
    "owner": "Owner",
    "status": "Status",
    "health": "Health",
    "environment": "Environment",
    "organization": "Organization",
    "tag": "Tag",
    "element": "Element",
}


class PagePosition(forms.Form):
    """Which page of a list: the one after, or before, a row."""

    after = forms.UUIDField(required=False)
    before = forms.UUIDField(required=False)

    @property
    def older_than(self) -> UUID | None:
        """The row after which the page begins; a damaged one counts as absent."""
        self.full_clean()
        return self.cleaned_data.get("after")

    @property
    def newer_than(self) -> UUID | None:
        """The row before which the page ends."""
        self.full_clean()
        return self.cleaned_data.get("before")


@dataclass(frozen=True)
class Chip:
    """One filter that is on, and where to go to switch it off."""

    words: str
    url: str


@dataclass(frozen=True)
class Select:
    """A filter with a list to choose from; written plainly, as widgets cost more than the rows."""

    name: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class Narrowed:
    """The filters that are on, by name and value, as walks of whoever asks."""

    filters: tuple[tuple[str, str], ...]

    def __call__(self, reach: Reach) -> list[Walk[Instance]]:
        """Return how to walk the instances that a person may see and that match."""
        on = dict(self.filters)
        rows, is_shared_only = self._rows(on, reach), on.get("access") == "shared"
        state = HealthState(on["health"]) if "health" in on else None
        if state and not on.keys() & FEW and not is_shared_only:
            return reach.within(on.get("organization")).in_health(rows, state)
        if state:
            rows = rows.filter(shown_health.either(state))
        if tag := on.get("tag"):
            if "q" not in on and not is_shared_only:
                return reach.tagged(rows, tag)
            rows = rows.filter(tags__name=tag)
        either: Sequence[QuerySet[Instance]] = [rows]
        is_narrow = bool(tag) or any(name in on for name in NARROW)
        if text := on.get("q"):
            found = search.matching(rows, text)
            either, is_narrow = found.parts, is_narrow or found.are_few
            if not (is_narrow or is_shared_only):
                # A common word: its tag is walked by itself, which each organization would sort.
                return [*reach.tagged(rows, text), *reach.instances(*found.parts[1:])]
        if is_shared_only:
            return reach.shared(*either)
        return reach.instances(*either, is_narrow=is_narrow)

    def _rows(self, on: Mapping[str, str], reach: Reach) -> QuerySet[Instance]:
        columns: dict[str, Any] = {
            COLUMNS[name]: value for name, value in on.items() if name in COLUMNS
        }
        if "owner" in on:
            columns["owner"] = reach.user.pk
        rows = Instance.objects.filter(**columns)
        return rows.shown_as(on["status"]) if "status" in on else rows


class InstanceFilter(forms.Form):
    """Filters from the URL; a value that does not exist filters nothing."""

    q = forms.CharField(required=False, max_length=255)
    status = forms.ChoiceField(
        required=False, choices=[("", "Any status"), *InstanceStatus.choices, DISABLED]
    )
    health = forms.ChoiceField(required=False, choices=[("", "Any health"), *HealthState.choices])
    environment = forms.ChoiceField(
        required=False, choices=[("", "Any environment"), *Environment.choices]
    )
    organization = forms.ChoiceField(required=False, choices=[("", "Any organization")])
    owner = forms.ChoiceField(required=False, choices=[("", "Any owner"), ("me", "Me")])
    tag = forms.CharField(required=False, max_length=255)
    element = forms.CharField(required=False, max_length=100)
    access = forms.ChoiceField(required=False, choices=[("", ""), ("shared", "Shared with me")])

    def __init__(self, query: QueryDict, *, reach: Reach) -> None:
        super().__init__(query)
        self.query, self.reach = query, reach
        self.names = {str(one.organization_id): one.name for one in reach.places}
        organization = cast("forms.ChoiceField", self.fields["organization"])
        organization.choices = [("", "Any organization"), *self.names.items()]
        self.full_clean()

    def selects(self) -> list[Select]:
        """Return the filters to choose from."""
        chosen = [(name, str(self.cleaned_data.get(name, ""))) for name in SELECTS]
        return [
            Select(name, CHIP_NAMES[name], self._choices(name), value) for name, value in chosen
        ]

    def _choices(self, name: str) -> list[tuple[str, str]]:
        field = cast("forms.ChoiceField", self.fields[name])
        return [(str(value), str(label)) for value, label in cast("list[Any]", field.choices)]

    @property
    def is_shared_only(self) -> bool:
        """Whether only what somebody shared is shown."""
        return self.cleaned_data.get("access") == "shared"

    @property
    def has_organizations(self) -> bool:
        """Whether the person belongs to any organization."""
        return bool(self.names)

    @property
    def is_short(self) -> bool:
        """Whether what is searched is too short to be looked for in names."""
        text: str = self.cleaned_data.get("q", "")
        return text != "" and search.is_short(text)

    def walks(self) -> Sequence[Readable[Instance]]:
        """Return how to walk the instances that the person may see and that match."""
        on = {name: str(value) for name, value in self._set().items()}
        narrowed = Narrowed(tuple(sorted(on.items())))
        # What is typed is seldom typed again, and what holds whole organizations up is not in a shape.
        if on.keys() & {"q", "health"}:
            return narrowed(self.reach)
        return prepared.walks(narrowed, self.reach)

    def chips(self) -> list[Chip]:
        """Return the filters that are on, each with the way to remove it."""
        shown = {name: value for name, value in self._set().items() if name != "access"}
        return [
            Chip(words=f"{CHIP_NAMES[name]}: {self._words(name, value)}", url=self._without(name))
            for name, value in shown.items()
        ]

    def _set(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}

    def _words(self, name: str, value: Any) -> str:
        if name == "organization":
            return self.names[value]
        if name in ("status", "health", "environment"):
            return dict(self._choices(name))[str(value)]
        return "me" if name == "owner" else str(value)

    def _without(self, name: str) -> str:
        gone = (name, "after", "before")
        kept = {key: value for key, value in self.query.items() if value and key not in gone}
        return f"{reverse('instances:list')}?{urlencode(kept)}"
