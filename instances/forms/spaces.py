"""Spaces around what is typed: of a secret they are asked about, of a name taken away, and that is said."""

from collections.abc import Mapping
from typing import Any

from django import forms

STRIP, KEEP = "strip", "keep"
CHOICES = [(STRIP, "Take the space away"), (KEEP, "The space belongs to it")]


class WithSpaces(str):
    """A secret of which its owner said that the spaces around it belong to it."""

    __slots__ = ()


class SecretInput(forms.PasswordInput):
    """One secret in one line, with what was answered about spaces around it."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Return what was typed, with or without its spaces as the person chose."""
        typed = super().value_from_datadict(data, files, name)
        answer = data.get(answer_name(name))
        if not isinstance(typed, str) or answer not in (STRIP, KEEP):
            return typed
        return typed.strip() if answer == STRIP else WithSpaces(typed)


class SpacedBoundField(forms.BoundField):
    """What was typed in a form, perhaps with spaces around it."""

    @property
    def has_spaces(self) -> bool:
        """Whether what was typed last had spaces around it."""
        typed = str(self.form.data.get(self.html_name) or "") if self.form.is_bound else ""
        return typed.strip() not in ("", typed)


class TrimmedBoundField(SpacedBoundField):
    """A text in a form, and whether it loses spaces on its way."""

    is_trimmed = True


class TrimmedField(forms.CharField):
    """A user name, a client's ID or the like: spaces around it are taken away, and that is said."""

    bound_field_class = TrimmedBoundField


class SecretBoundField(SpacedBoundField):
    """A secret in a form, and the question about the spaces around it."""

    @property
    def asks_about_spaces(self) -> bool:
        """Whether the field takes one line: around several, spaces mean nothing."""
        return isinstance(self.field.widget, SecretInput)

    @property
    def answer_name(self) -> str:
        """The name under which the answer is sent."""
        return answer_name(self.html_name)

    @property
    def answers(self) -> list[tuple[str, str, bool]]:
        """Each answer, its words, and whether it was given."""
        given = self.form.data.get(self.answer_name) if self.form.is_bound else None
        return [(value, words, value == given) for value, words in CHOICES]


def answer_name(name: str) -> str:
    """Return the name of the answer about the secret of this name."""
    return f"{name}.spaces"


def trimmed(form: forms.Form) -> list[str]:
    """Return the labels of what lost spaces on its way."""
    bound = [form[name] for name in form.fields]
    return [
        str(one.label) for one in bound if isinstance(one, TrimmedBoundField) and one.has_spaces
    ]
