"""What the list of instances shows: search and filters, as they stand in the URL."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from instances import access
from instances.access import Action
from instances.models import Environment, Instance, InstanceStatus, Organization

COLUMNS = {
    "status": "status",
    "environment": "environment",
    "organization": "organization",
    "tag": "tags__name",
    "element": "element_key",
}
CHIP_NAMES = {
    "q": "Search",
    "owner": "Owner",
    "status": "Status",
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


class InstanceFilter(forms.Form):
    """Filters from the URL; a value that does not exist filters nothing."""

    q = forms.CharField(required=False, max_length=255)
    status = forms.ChoiceField(
        required=False, choices=[("", "Any status"), *InstanceStatus.choices]
    )
    environment = forms.ChoiceField(
        required=False, choices=[("", "Any environment"), *Environment.choices]
    )
    organization = forms.ModelChoiceField(
        queryset=Organization.objects.none(), required=False, empty_label="Any organization"
    )
    owner = forms.ChoiceField(required=False, choices=[("", "Any owner"), ("me", "Me")])
    tag = forms.CharField(required=False, max_length=255)
    element = forms.CharField(required=False, max_length=100)
    access = forms.ChoiceField(required=False, choices=[("", ""), ("shared", "Shared with me")])

    def __init__(self, query: QueryDict, *, user: User) -> None:
        super().__init__(query)
        self.query, self.user = query, user
        organization = cast("forms.ModelChoiceField[Organization]", self.fields["organization"])
        organization.queryset = access.organizations_for(user, Action.VIEW).order_by("name")
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = name.capitalize()
        self.full_clean()

    @property
    def is_shared_only(self) -> bool:
        """Whether only what somebody shared is shown."""
        return self.cleaned_data.get("access") == "shared"

    @property
    def has_organizations(self) -> bool:
        """Whether the person belongs to any organization."""
        return access.organizations_for(self.user, Action.VIEW).exists()

    def rows(self) -> QuerySet[Instance]:
        """Return the instances that the person may see and that match."""
        visible = access.shared_with if self.is_shared_only else access.visible_to
        condition = Q()
        for name, value in self._set().items():
            if name == "owner":
                condition &= Q(owner=self.user)
            elif name in COLUMNS:
                condition &= Q((COLUMNS[name], value))
        rows = visible(self.user).filter(condition)
        text = self.cleaned_data.get("q")
        return rows.filter(pk__in=Instance.objects.matching(text).values("pk")) if text else rows

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
        labels = {"status": InstanceStatus, "environment": Environment}
        if name in labels:
            return str(labels[name](value).label)
        return "me" if name == "owner" else str(value)

    def _without(self, name: str) -> str:
        gone = (name, "after", "before")
        kept = {key: value for key, value in self.query.items() if value and key not in gone}
        return f"{reverse('instances:list')}?{urlencode(kept)}"
