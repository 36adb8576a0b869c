"""Which lines of the platform's list something shall be done about, and what."""

from typing import Any, cast

from django import forms

from instances.models import ListedInstance, Organization, Standing
from instances.operations import DriftChoice

MISSING = "missing"
# The parts of the comparison, in the order of the page.
PARTS = {
    Standing.CHANGED.value: "Changed",
    Standing.PUSHED.value: "Being made as here",
    Standing.ONLY_THERE.value: "Only there",
    MISSING: "Only here",
    Standing.IGNORED.value: "Ignored",
}


class DriftView(forms.Form):
    """Which part of the comparison is looked at."""

    show = forms.ChoiceField(choices=list(PARTS.items()), required=False)

    @property
    def chosen(self) -> str:
        """The part, the changed ones unless another is named."""
        self.full_clean()
        return self.cleaned_data.get("show") or Standing.CHANGED.value


class DriftForm(forms.Form):
    """Lines of a page, or all that are only there, and what to do about them."""

    choice = forms.ChoiceField(
        choices=DriftChoice.choices,
        error_messages={"required": "Choose what shall happen.", "invalid_choice": "Choose again."},
    )
    is_all = forms.BooleanField(required=False)
    rows = forms.ModelMultipleChoiceField(
        queryset=ListedInstance.objects.none(),
        required=False,
        error_messages={"invalid_choice": "The list has changed: choose again."},
    )

    def __init__(self, *arguments: Any, organization: Organization) -> None:
        super().__init__(*arguments)
        self.listed = ListedInstance.objects.filter(organization=organization)
        cast("forms.ModelMultipleChoiceField[Any]", self.fields["rows"]).queryset = self.listed

    def clean(self) -> None:
        """Want at least one line; all of them only where many can be meant at once."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("is_all") and cleaned.get("choice") == DriftChoice.ADOPT:
            cleaned["rows"] = self.listed.filter(standing=Standing.ONLY_THERE).order_by("-pk")
        elif not self.errors and not cleaned.get("rows"):
            self.add_error("rows", "Choose at least one instance.")
