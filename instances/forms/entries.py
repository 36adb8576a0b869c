"""The form field of one entry of an element, as the platform's catalog describes it."""

import re
from hashlib import blake2s
from typing import Any

from django import forms

from instances import element_entries
from instances.element_entries import Entry
from instances.forms.secrets import SecretField
from instances.forms.spaces import TrimmedField

PREFIX = "entry."
# What may stand in an element's id as it is: `aria-describedby` is split at spaces.
PLAIN_KEY = re.compile(r"[A-Za-z0-9._-]{1,200}")
# The number in a type is the longest value (an assumption: docs/platform-assumptions.md).
LENGTH = re.compile(r"TEXTFIELD_(\d{1,4})$")
LONGEST = 4000
LONG_TEXTS = ("TEXTAREA", "CODE_EDITOR")
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
YES_NO = [("true", "Yes"), ("false", "No")]
AS_IT_IS = ("", "As the platform does it")


def name_of(entry: Entry) -> str:
    """Return the name of the entry's field."""
    key = str(entry["key"])
    return PREFIX + (key if PLAIN_KEY.fullmatch(key) else f"~{blake2s(key.encode()).hexdigest()}")


def field_for(entry: Entry) -> forms.Field:
    """Return the field of an entry; whether it is required depends on the way in, and is asked there."""
    kind = entry["kind"]
    about = {"label": entry["name"], "help_text": _help(entry), "required": False}
    if element_entries.is_secret(entry):
        return _secret(kind, about)
    about["initial"] = entry["default"]
    options = [(value, words) for value, words in entry["options"]]
    if kind.startswith("BOOLEAN") and not options:
        options = YES_NO
    if options:
        return _choice(entry, options, about)
    length = LENGTH.match(kind)
    of = forms.CharField if kind in LONG_TEXTS else TrimmedField
    return of(max_length=int(length[1]) if length else LONGEST, widget=_text(kind), **about)


def _secret(kind: str, about: dict[str, Any]) -> forms.Field:
    if kind in LONG_TEXTS:
        return SecretField(max_length=LONGEST, is_long=True, **about)
    return SecretField(max_length=LONGEST, **about)


def _choice(entry: Entry, options: list[tuple[str, str]], about: dict[str, Any]) -> forms.Field:
    """Return a choice; one of ways in shows all of them at once."""
    if entry["chooses_group"]:
        about["initial"] = entry["default"] or options[0][0]
        return forms.ChoiceField(choices=options, widget=forms.RadioSelect, **about)
    usual = [] if entry["default"] or entry["is_required"] else [AS_IT_IS]
    if entry["is_required"] and not entry["default"]:
        usual = [("", "Choose…")]
    return forms.ChoiceField(choices=[*usual, *options], **about)


def _text(kind: str) -> forms.Widget:
    if kind in LONG_TEXTS:
        return forms.Textarea(attrs=PLAIN | {"rows": 4})
    return forms.TextInput(attrs=PLAIN)


def _help(entry: Entry) -> str:
    """Return the platform's words, unless they only repeat the name."""
    return "" if entry["description"] == entry["name"] else str(entry["description"])
