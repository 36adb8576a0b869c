"""The last answer to a page that asked again and again: the whole page, as it is now."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_settled(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """
    Render the page that takes the place of the one that asked for a part of itself.

    A reload would do the same, and would cancel the link that the person has just followed. Nothing of
    the old page is kept: an element that is morphed goes on asking.
    """
    response = render(request, template, context)
    response["HX-Retarget"] = "body"
    response["HX-Reswap"] = "innerHTML"
    return response
