"""Rotate an instance: what its twin needs, and for how long both work."""

import re
from collections.abc import Collection
from itertools import count
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from instances import zuora
from instances.forms.cloning import first_free, initial_from, initial_of, taken_beside
from instances.forms.creation import InstanceForm
from instances.forms.elements import ElementForm
from instances.forms.environments import EnvironmentQuestion
from instances.models import Element, Instance
from instances.operations.rotation import MOST_DAYS
from instances.tags import without_ours

# What an earlier rotation wrote on the platform.
REPLACES = re.compile(r"replaces-\d+")
DATED = re.compile(r" \(\d{4}-\d\d-\d\d(?:, \d{1,4})?\)$")


def name_of_twin(name: str, taken: Collection[str] = ()) -> str:
    """Return `name` with the present day behind it, in place of that of an earlier rotation."""
    day = f"{timezone.now():%Y-%m-%d}"
    marks = (f" ({day}, {at})" if at > 1 else f" ({day})" for at in count(1))
    return first_free(DATED.sub("", name), marks, taken)


def _name_beside(old: Instance) -> str:
    return name_of_twin(old.name, taken_beside(old, DATED.sub("", old.name), " (20"))


class DaysField(forms.FloatField):
    """For how many days; half a day is as good."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            min_value=0,
            max_value=MOST_DAYS,
            widget=forms.NumberInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            error_messages={
                "required": "Say for how many days; 0 is a number, too.",
                "invalid": "This is not a number of days.",
                "max_value": f"At most {MOST_DAYS} days.",
                "min_value": "At least 0 days.",
            },
            **options,
        )


DAYS = {
    "label": "Days for which both work",
    "help_text": "They begin once the new one has answered with its own token. 0: the old one is "
    "disabled right then.",
}


def _initial_twin(old: Instance) -> dict[str, Any]:
    """Return what the form of every twin begins with, whatever its element asks for."""
    kept = [tag for tag in without_ours(old.tag_names) if not REPLACES.fullmatch(tag)]
    return {
        "name": _name_beside(old),
        "tags": ", ".join(kept),
        "days": f"{settings.ENGINE['ROTATION_DAYS']:g}",
    }


class RotationForm(InstanceForm):
    """The twin of a Zuora instance, in the same organization and environment."""

    days = DaysField(**DAYS)

    def __init__(self, data: Any = None, *, user: User, old: Instance) -> None:
        super().__init__(data, user=user, initial=initial_from(old) | _initial_twin(old))
        self.fields["organization"].disabled = True
        self.fields["is_sandbox"].disabled = bool(old.environment)
        if old.environment:
            self.environment = EnvironmentQuestion(self, "authentication_type", is_fixed=True)

    def wish(self) -> dict[str, Any]:
        """Return what `operations.request_instance_rotation` needs besides who asks for what."""
        asked = super().wish()
        del asked["organization"], asked["element_key"]
        return asked | {"days": self.cleaned_data["days"]}


class ElementRotationForm(ElementForm):
    """The twin of an instance of any other element, likewise."""

    days = DaysField(**DAYS)

    def __init__(self, data: Any = None, *, element: Element, old: Instance) -> None:
        super().__init__(
            data, element=element, initial=initial_of(old, element) | _initial_twin(old)
        )
        del self.fields["environment"]

    def wish(self) -> dict[str, Any]:
        """Return what `operations.request_instance_rotation` needs besides who asks for what."""
        return {
            "name": self.cleaned_data["name"],
            "configuration": self.configuration(),
            "tag_names": self.cleaned_data["tags"],
            "client_request_id": self.cleaned_data["client_request_id"],
            "days": self.cleaned_data["days"],
        }


AnyRotationForm = RotationForm | ElementRotationForm


def rotation_form(data: Any, *, user: User, old: Instance) -> AnyRotationForm | None:
    """Return the form of the twin; None where nobody knows what its element asks for."""
    if old.element_key == zuora.ELEMENT_KEY:
        return RotationForm(data, user=user, old=old)
    element = Element.objects.described(old)
    return ElementRotationForm(data, element=element, old=old) if element else None


class LongerForm(forms.Form):
    """For how much longer both shall work."""

    days = DaysField(label="More days")
