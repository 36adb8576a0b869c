"""Delete an instance: what has to be typed for it."""

from django import forms

from instances.operations.lifecycle import REASON_LENGTH


class DeletionForm(forms.Form):
    """The name of what shall be deleted, and why."""

    typed_name = forms.CharField(
        label="Name of the instance",
        max_length=300,
        help_text="Type it as it stands above, or its instance ID: nothing is deleted by a slip.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": "Type the name of the instance, or its instance ID."},
    )
    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why: whoever misses the instance reads it."},
    )
