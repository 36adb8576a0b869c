"""Spaces around a secret: whether they belong to it is asked for, never guessed."""

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


class SecretBoundField(forms.BoundField):
    """A secret in a form, and the question about the spaces around it."""

    @property
    def asks_about_spaces(self) -> bool:
        """Whether the field takes one line: around several, spaces mean nothing."""
        return isinstance(self.field.widget, SecretInput)

    @property
    def has_spaces(self) -> bool:
        """Whether what was typed last had spaces around it."""
        typed = str(self.form.data.get(self.html_name) or "") if self.form.is_bound else ""
        return typed.strip() not in ("", typed)

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
