"""Decide about a request or a finding, and take a request back."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from instances.models import CancelWish, Finding, Operation
from instances.operations import Choice, FindingChoice

# What each choice does, told beside it.
EXPLAINED = {
    Choice.LOOK: "Look again: the same checks once more, from the beginning.",
    Choice.CREATE: "Create again: send the request once more. Only when you know that nothing "
    "was created.",
    Choice.MARK: "Mark as not created: end it here. An instance that appears later is reported.",
    Choice.ADOPT: "Adopt this one: it becomes the instance of this request, with our tag.",
    Choice.NOT_OURS: "It is not ours: leave it alone and look on.",
}
# The same, where no request has left or something is to be deleted.
EXPLAINED_UNSENT = {
    Choice.LOOK: "Try again: go on where it stopped.",
    Choice.MARK: "Give it up: end it here.",
}
FINDING_EXPLAINED = {
    FindingChoice.ADOPT: "Adopt as a new instance: Elementdesk reads it and you become its owner.",
    FindingChoice.KEEP: "Keep both: leave it on the platform beside the other.",
    FindingChoice.IGNORE: "Ignore it: leave it on the platform and do not report it again.",
    FindingChoice.DELETE: "Delete it on the platform: this cannot be undone.",
}


class ReasonedForm(forms.Form):
    """A choice and why it was made."""

    choice = forms.ChoiceField(
        label="What shall happen",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what shall happen."},
    )
    reason = forms.CharField(
        max_length=300,
        help_text="Kept with the decision, for whoever asks later.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why: the reason is kept with the decision."},
    )

    def offer(self, name: str, options: list[tuple[str, str]]) -> None:
        """Put `options` into the field; where there is one only, it is chosen."""
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = options
        if len(options) == 1:
            field.initial = options[0][0]


class DecisionForm(ReasonedForm):
    """How an operation goes on, and with which of several instances."""

    remote_id = forms.TypedChoiceField(
        label="Which instance",
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    field_order = ("remote_id", "choice", "reason")

    def __init__(
        self,
        data: Any = None,
        *,
        choices: Sequence[Choice],
        candidates: Sequence[Finding],
        is_sent: bool,
        chosen: str = "",
    ) -> None:
        super().__init__(data, initial={"choice": chosen})
        words = EXPLAINED if is_sent else EXPLAINED | EXPLAINED_UNSENT
        self.offer("choice", [(choice.value, words[choice]) for choice in choices])
        self.offer("remote_id", [(str(one.remote_id), str(one)) for one in candidates])
        if not candidates:
            del self.fields["remote_id"]

    def clean(self) -> dict[str, Any]:
        """Want an instance where the choice is about one."""
        cleaned = self.cleaned_data
        is_about_one = cleaned.get("choice") in (Choice.ADOPT, Choice.NOT_OURS)
        if is_about_one and not cleaned.get("remote_id") and "remote_id" in self.fields:
            self.add_error("remote_id", "Choose the instance that you mean.")
        return cleaned

    def decision(self) -> dict[str, Any]:
        """Return what `operations.decide` needs besides actor and operation."""
        return {
            "choice": Choice(self.cleaned_data["choice"]),
            "reason": self.cleaned_data["reason"],
            "remote_id": self.cleaned_data.get("remote_id"),
        }


class FindingForm(ReasonedForm):
    """What becomes of something that was found."""

    typed_id = forms.CharField(
        label="Instance ID",
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    field_order = ("choice", "typed_id", "reason")

    def __init__(
        self, data: Any = None, *, finding: Finding, choices: Sequence[FindingChoice]
    ) -> None:
        super().__init__(data)
        self.remote_id = str(finding.remote_id)
        self.offer("choice", [(choice.value, FINDING_EXPLAINED[choice]) for choice in choices])
        self.fields[
            "typed_id"
        ].help_text = f"To delete it, type {self.remote_id}. Otherwise leave this empty."

    def clean(self) -> dict[str, Any]:
        """Want the id where something is to be deleted."""
        cleaned = self.cleaned_data
        is_deletion = cleaned.get("choice") == FindingChoice.DELETE
        if is_deletion and cleaned.get("typed_id", "").strip() != self.remote_id:
            self.add_error("typed_id", f"Type the instance ID {self.remote_id} to delete it.")
        return cleaned

    def decision(self) -> dict[str, Any]:
        """Return what `operations.decide_finding` needs besides actor and finding."""
        return {
            "choice": FindingChoice(self.cleaned_data["choice"]),
            "reason": self.cleaned_data["reason"],
            "typed_id": self.cleaned_data["typed_id"],
        }


class CancelForm(forms.Form):
    """What shall happen if a request that is taken back turns out to have created something."""

    wish = forms.ChoiceField(
        label="If it turns out that the instance was created",
        choices=[
            (CancelWish.DELETE.value, "Delete it on the platform"),
            (CancelWish.KEEP.value, "Keep it"),
        ],
        initial=CancelWish.KEEP.value,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what shall happen then."},
    )

    def __init__(self, data: Any = None, *, operation: Operation) -> None:
        super().__init__(data)
        if operation.is_change:
            # What is changed already stays so: there is nothing to choose.
            self.fields["wish"] = forms.CharField(widget=forms.HiddenInput)
            self.initial["wish"] = CancelWish.KEEP.value

    def clean_wish(self) -> str:
        """Take only what can be wished for."""
        wish = str(self.cleaned_data["wish"])
        return wish if wish in CancelWish.values else CancelWish.KEEP.value
