"""A person's own account."""

from typing import Any

from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User


class PasswordForm(PasswordChangeForm):
    """Change one's password; each message names what it is about, since the summary lists them."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = f"{field.label} is missing."
            field.widget.attrs.pop("autofocus", None)
