"""The form of any element: what it asks for, what it sends, and what it never shows: what its tests share."""

import json

from django.urls import reverse

from instances import vault
from instances.models import Element, Operation
from instances.vault import Purpose

Typed = dict[str, str]


def form_of(element: Element) -> str:
    return reverse("instances:element_new", args=[element.organization_id, element.element_key])


def sent() -> dict[str, str]:
    """Return the entries that the worker will send."""
    held = Operation.objects.get().secret
    entries = json.loads(vault.open_sealed(held, "sealed", purpose=Purpose.CHECK).reveal())
    assert isinstance(entries, dict)
    return entries
