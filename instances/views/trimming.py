"""Say what lost spaces on its way, to whoever typed them."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from instances.forms.spaces import trimmed


def tell_trimmed(request: HttpRequest, form: forms.Form) -> None:
    """Name the entries of a form that was accepted around which spaces were taken away."""
    if labels := trimmed(form):
        messages.info(request, f"Spaces were taken away around: {', '.join(labels)}.")
