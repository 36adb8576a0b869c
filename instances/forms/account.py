"""A person's own account."""

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User


class PasswordForm(PasswordChangeForm):
    """Change one's password; each message names what it is about, since the summary lists them."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = f"{field.label} is missing."
            field.widget.attrs.pop("autofocus", None)


class EmailForm(forms.Form):
    """Where one is reached."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "E-mail address is missing.",
            "invalid": "This is not an e-mail address.",
        },
    )

    def __init__(self, data: Any = None, *, actor: User) -> None:
        super().__init__(data, initial={"email": actor.email})
