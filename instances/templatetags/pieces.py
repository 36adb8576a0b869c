"""Pieces that a list shows in every row: rendered once from their template, then remembered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, Protocol
from uuid import UUID

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from instances.models import Attempt, Instance, Operation

register = template.Library()


@register.simple_tag
@lru_cache
def icon(name: str) -> SafeString:
    """Return an icon of the sprite."""
    return mark_safe(render_to_string("includes/icon.html", {"name": name}).strip())  # noqa: S308  # our template's, escaped there


@register.simple_tag
@lru_cache
def assets() -> SafeString:
    """Return what every page loads."""
    return render_to_string("includes/assets.html")


@register.simple_tag
@lru_cache
def topbar(unread: str) -> SafeString:
    """Return what stands above the pages on phones."""
    return render_to_string("includes/topbar.html", {"unread": unread})


@register.simple_tag
@lru_cache
def theme_button() -> SafeString:
    """Return the button that changes between light and dark."""
    return render_to_string("includes/theme_button.html")


class Lead(NamedTuple):
    """What the links of the navigation depend on."""

    page: str
    is_instance: bool
    is_shared: bool
    waiting: str
    unread: str
    is_superuser: bool
    is_staff: bool


@register.simple_tag(takes_context=True)
def navigation_links(context: Context) -> SafeString:
    """Return the links that lead to other pages, this one marked, and how much waits."""
    request: HttpRequest = context["request"]
    match, user = request.resolver_match, request.user
    return _navigation_links(
        Lead(
            page=(match.url_name or "") if match else "",
            is_instance="/instances/" in request.path,
            is_shared=request.GET.get("access") == "shared",
            waiting=context["waiting"]["all"],
            unread=context["waiting"]["unread"],
            is_superuser=user.is_superuser,
            is_staff=user.is_staff,
        )
    )


@lru_cache(maxsize=1_000)
def _navigation_links(lead: Lead) -> SafeString:
    return render_to_string("includes/navigation_links.html", lead._asdict())


@register.simple_tag
@lru_cache
def status(status: str, label: str) -> SafeString:
    """Return a state in icon, word and color."""
    return render_to_string("includes/status.html", {"status": status, "label": label})


@register.simple_tag
@lru_cache
def health(tone: str, icon: str, label: str) -> SafeString:
    """Return how an instance is doing, in icon, word and color."""
    diagnosis = {"tone": tone, "icon": icon, "label": label}
    return render_to_string("includes/health_badge.html", {"diagnosis": diagnosis})


@register.simple_tag
@lru_cache
def environment(environment: str) -> SafeString:
    """Return sandbox or production, told apart by word, icon and color."""
    return render_to_string("includes/environment.html", {"environment": environment})


@register.simple_tag
@lru_cache
def outcome(outcome: str, label: str) -> SafeString:
    """Return how a request ended, in a word and a color."""
    attempt = {"outcome": outcome, "outcome_label": label}
    return render_to_string("includes/outcome.html", {"attempt": attempt})


class Part(NamedTuple):
    """What a list tells of the rotation of an instance: how it stands, and the other of the two."""

    # Color, icon and words of how it stands; none once it is done.
    badge: tuple[str, str, str] | None
    words: str
    # None if the person may not see it.
    other: UUID | None
    name: str


class Shown(NamedTuple):
    """What a list tells of an instance."""

    pk: UUID
    name: str
    element_key: str
    remote_id: int | None
    shown_status: str
    shown_label: str
    health: tuple[str, str, str] | None
    environment: str
    organization: str
    label: str
    tags: tuple[str, ...]
    owner: str
    part: Part | None


class Doing(Protocol):
    """How an instance is doing, in icon, word and color."""

    @property
    def tone(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def label(self) -> str: ...


@register.simple_tag
def instance_cells(
    instance: Instance,
    tags: Mapping[UUID, Sequence[str]],
    diagnoses: Mapping[UUID, Doing],
    parts: Mapping[UUID, Part],
) -> SafeString:
    """Return the cells of an instance in a list; what was shown lately is not written again."""
    organization, doing = instance.organization, diagnoses.get(instance.pk)
    shown = Shown(
        *(instance.pk, instance.name, instance.element_key, instance.remote_id),
        *(instance.shown_status, instance.shown_label),
        (doing.tone, doing.icon, doing.label) if doing else None,
        instance.environment,
        *(organization.name, organization.environment_label),
        tuple(tags[instance.pk]),
        instance.owner.get_username(),
        parts.get(instance.pk),
    )
    return _cells(shown)


# About three megabytes.
@lru_cache(maxsize=2_000)
def _cells(shown: Shown) -> SafeString:
    return render_to_string("includes/instance_cells.html", {"instance": shown})


class Asked(NamedTuple):
    """What a list tells of an operation."""

    instance: UUID | None
    kind: str
    name: str
    element_key: str
    state: str
    state_label: str
    organization: str
    requester: str
    part: Part | None


@register.simple_tag
def operation_cells(operation: Operation, parts: Mapping[UUID, Part]) -> SafeString:
    """Return the cells of an operation on an instance; what was shown lately is not written again."""
    about = operation.made
    asked = Asked(
        *(about.pk, operation.get_kind_display(), about.name, about.element_key),
        *(operation.state, operation.state_label, operation.organization.name),
        operation.requester.get_username(),
        parts.get(operation.pk),
    )
    return _operation_cells(asked)


@lru_cache(maxsize=2_000)
def _operation_cells(asked: Asked) -> SafeString:
    return render_to_string("includes/operation_cells.html", {"operation": asked})


class Sent(NamedTuple):
    """What a list tells of a request."""

    outcome: str
    label: str
    http_status: int | None
    request_id: str


@register.simple_tag
def attempt_cell(operation: UUID, attempts: Mapping[UUID, Sequence[Attempt]]) -> SafeString:
    """Return the cell of an operation's requests; what was shown lately is not written again."""
    return _attempt_cell(
        tuple(
            Sent(one.outcome, one.outcome_label, one.http_status, one.request_id)
            for one in attempts[operation]
        )
    )


@lru_cache(maxsize=2_000)
def _attempt_cell(sent: tuple[Sent, ...]) -> SafeString:
    return render_to_string("includes/attempt_cell.html", {"attempts": sent})


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """Return a moment in UTC as people say it, and to the second when pointed at."""
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(timespec="seconds"),
        f"{at:%-d %B %Y, %H:%M:%S}",
        naturaltime(at),
    )
