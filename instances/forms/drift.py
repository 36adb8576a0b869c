"""Which lines of the platform's list something shall be done about, and what."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User

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

    owner = forms.ModelChoiceField(
        label="Owner of what is adopted",
        queryset=User.objects.none(),
        required=False,
        empty_label=None,
        error_messages={"invalid_choice": "Choose a member of the organization."},
    )

    def __init__(self, data: Any = None, *, organization: Organization, actor: User) -> None:
        super().__init__(data, initial={"owner": actor})
        self.actor = actor
        listed = ListedInstance.objects.filter(organization=organization)
        members = User.objects.filter(memberships__organization=organization, is_active=True)
        for name, rows in (("rows", listed), ("owner", members.order_by("username"))):
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = rows

    def clean(self) -> None:
        """Want at least one line, or all where many can be meant at once; whoever adopts owns."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["owner"] = cleaned.get("owner") or self.actor
        if not (self.errors or self.is_about_all or cleaned.get("rows")):
            self.add_error("rows", "Choose at least one instance.")

    @property
    def is_about_all(self) -> bool:
        """Whether everything that is only there is to be adopted."""
        is_all = bool(self.cleaned_data.get("is_all"))
        return is_all and self.cleaned_data.get("choice") == DriftChoice.ADOPT


class SideForm(forms.Form):
    """Which side of one instance that differs counts; it carries which state of theirs was shown."""

    choice = forms.ChoiceField(
        choices=[(choice.value, choice.label) for choice in (DriftChoice.ACCEPT, DriftChoice.PUSH)],
        error_messages={"required": "Choose which side counts.", "invalid_choice": "Choose again."},
    )
    digest = forms.CharField(max_length=64)
