"""Change an instance that exists."""

from django import forms

from instances.operations.lifecycle import REASON_LENGTH


class SwitchForm(forms.Form):
    """Why an instance is disabled, or enabled again."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why: whoever meets the instance next reads it."},
    )
