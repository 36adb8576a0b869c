"""Begin a new form with what an instance is like: everything but credentials."""

import re
from collections.abc import Collection, Iterable
from itertools import count
from typing import Any

from instances import element_entries, entries
from instances.forms.entries import name_of
from instances.models import Element, Environment, Instance, InstanceStatus, search
from instances.tags import without_ours

NAME_LENGTH, SOUGHT = 255, 200
# What these were called may be used again.
FREED = (InstanceStatus.DELETED, InstanceStatus.REJECTED, InstanceStatus.CANCELED)
COPY = re.compile(r" \(copy(?: (\d{1,4}))?\)$")
# Something was hidden here, so what is left is no value to send.
MASK = "*" * 8
ON = {"true": True, "false": False}


def initial_from(instance: Instance) -> dict[str, Any]:
    """
    Return what a new form takes over from an instance.

    One that never came to be, or is gone, is asked for again, under its own name; of any other another is made,
    under a name that tells the two apart. Secrets are never taken over, nor what stands in for one.
    """
    is_copy = _is_there(instance)
    return {
        "organization": instance.organization_id,
        "name": _name_beside(instance) if is_copy else instance.name,
        "is_sandbox": instance.environment != Environment.PRODUCTION,
        "authentication_type": _authentication_type(instance),
        "tags": ", ".join(without_ours(instance.tag_names)),
        **_settings(instance),
    }


def initial_of(instance: Instance, element: Element) -> dict[str, Any]:
    """Return what the form of any element takes over, as `initial_from` does of Zuora's."""
    is_copy = _is_there(instance)
    public = element_entries.public_keys(element)
    taken = {
        name_of(entry): value
        for entry in element.asked_for
        if entry["key"] in public
        and (value := instance.configuration.get(entry["key"]))
        and not entries.holds_mask(value)
    }
    return {
        "name": _name_beside(instance) if is_copy else instance.name,
        "environment": instance.environment,
        "tags": ", ".join(without_ours(instance.tag_names)),
        **taken,
    }


def _is_there(instance: Instance) -> bool:
    is_gone = instance.missing_since is not None or instance.status == InstanceStatus.DELETED
    return instance.remote_id is not None and not is_gone


def name_of_copy(name: str, taken: Collection[str] = ()) -> str:
    """Return `name` with “(copy)” behind it, numbered from the second copy on, unless that is taken."""
    found = COPY.search(name)
    stem = name[: found.start()] if found else name
    numbers = count(int(found[1] or 1) + 1 if found else 1)
    return first_free(stem, (f" (copy {at})" if at > 1 else " (copy)" for at in numbers), taken)


def first_free(stem: str, marks: Iterable[str], taken: Collection[str]) -> str:
    """Return the first name of stem and mark that is not taken; the stem is cut to make room."""
    names = (stem[: NAME_LENGTH - len(mark)] + mark for mark in marks)
    return next(name for name in names if name not in taken)


def taken_beside(instance: Instance, stem: str, mark: str) -> set[str]:
    """Return the names that begin so, or nearly so, of what is there in the same organization."""
    mine = Instance.objects.filter(organization=instance.organization_id).exclude(status__in=FREED)
    # What is longer may be cut before the mark.
    text = stem + mark if len(stem) <= SOUGHT else stem[:SOUGHT]
    return search.names_with(mine, text)


def _name_beside(instance: Instance) -> str:
    stem = COPY.sub("", instance.name)
    return name_of_copy(instance.name, taken_beside(instance, stem, " (copy"))


def _authentication_type(instance: Instance) -> str:
    """Return the way in: what was sent tells, and of what was not made here what came back."""
    operation = instance.operations.order_by("pk").first()
    sent = operation.payload.get("configuration_keys", []) if operation else []
    return "custom" if "clientId" in (sent or instance.configuration) else "basic"


def _settings(instance: Instance) -> dict[str, Any]:
    """Return the optional settings as the platform told them, without what is hidden."""
    told = {key: str(value or "") for key, value in instance.configuration.items()}
    callback = told.get("event.notification.callback.url", "")
    nulls = told.get("filter.response.nulls", "").lower()
    return {
        "has_events": ON.get(told.get("event.notification.enabled", "").lower(), False),
        "callback_url": "" if MASK in callback else callback,
        "filter_nulls": nulls if nulls in ON else "",
    }
