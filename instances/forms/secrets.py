"""Form fields for values that are typed once and never shown again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances.forms.spaces import SecretBoundField, SecretInput, WithSpaces


class SecretText(forms.Textarea):
    """A secret of several lines, such as a private key: never rendered back."""

    def format_value(self, value: Any) -> str:
        """Return nothing, whatever was typed."""
        return ""


class SecretField(forms.CharField):
    """
    A secret as typed: never rendered back, and never changed on its way.

    White space around it is most often a slip of copying; it may also be part of the secret, so
    it is neither removed nor sent without asking.
    """

    bound_field_class = SecretBoundField

    def __init__(self, *, is_long: bool = False, **options: Any) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        options.setdefault("max_length", 1000)
        options.setdefault(
            "widget", SecretText(attrs | {"rows": 4}) if is_long else SecretInput(attrs)
        )
        self.is_long = is_long
        super().__init__(strip=False, **options)

    def clean(self, value: Any) -> str:
        """Refuse what can only be a slip, and take white space alone as nothing."""
        text = str(super().clean(value) or "")
        if not text.strip():
            return ""
        if self.is_long:
            # A key or certificate in lines: browsers end them otherwise, and editors add one.
            return text.replace("\r\n", "\n")
        if text != text.strip() and not isinstance(value, WithSpaces):
            raise ValidationError(
                f"{self.label} begins or ends with a space, which is most often a slip of copying. Type "
                "or paste it again, and say whether the space belongs to it."
            )
        if not text.strip().isprintable():
            raise ValidationError(
                f"{self.label} contains a character that cannot be seen. Type or paste it again."
            )
        return text
