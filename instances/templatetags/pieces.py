"""Pieces that a list shows in every row: rendered once from their template, then remembered."""

from datetime import datetime
from functools import lru_cache

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
@lru_cache
def icon(name: str) -> SafeString:
    """Return an icon of the sprite."""
    return mark_safe(render_to_string("includes/icon.html", {"name": name}).strip())  # noqa: S308 - a template's own


@register.simple_tag
@lru_cache
def status(status: str, label: str) -> SafeString:
    """Return a state in icon, word and color."""
    return render_to_string("includes/status.html", {"status": status, "label": label})


@register.simple_tag
@lru_cache
def environment(environment: str) -> SafeString:
    """Return sandbox or production, told apart by word, icon and color."""
    return render_to_string("includes/environment.html", {"environment": environment})


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """Return a moment in UTC as people say it, and to the second when pointed at."""
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(timespec="seconds"),
        f"{at:%-d %B %Y, %H:%M:%S}",
        naturaltime(at),
    )
