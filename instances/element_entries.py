"""What an element of the catalog asks for: which entries count, which are missing, which are secret."""

from collections.abc import Mapping
from typing import Any

from instances.models import Element
from instances.secret_names import is_secret_name

Entry = Mapping[str, Any]
Configuration = Mapping[str, str | bool]


def chosen_groups(element: Element, configuration: Configuration) -> set[str]:
    """Return the groups of entries that the choosing entries choose, or leave at their default."""
    choosing = [entry for entry in element.settings or [] if entry["chooses_group"]]
    return {str(configuration.get(entry["key"]) or entry["default"]) for entry in choosing}


def in_use(element: Element, configuration: Configuration) -> list[Entry]:
    """Return the entries to fill in: those of no group, of a chosen one, or of one nobody can choose."""
    chosen = chosen_groups(element, configuration)
    offered = {
        value
        for entry in element.settings or []
        if entry["chooses_group"]
        for value, _ in entry["options"]
    }
    return [
        entry
        for entry in element.asked_for
        if not entry["group"] or entry["group"] in chosen or entry["group"] not in offered
    ]


def missing(element: Element, configuration: Configuration) -> list[str]:
    """Return the keys that the chosen way in requires, that are blank, and have no default."""
    return [
        str(entry["key"])
        for entry in in_use(element, configuration)
        if entry["is_required"]
        and not entry["default"]
        and str(configuration.get(str(entry["key"]), "")).strip() == ""
    ]


def is_secret(entry: Entry) -> bool:
    """Tell whether an entry is typed unseen: the platform types some secrets as plain text."""
    return entry["kind"] == "PASSWORD" or is_secret_name(str(entry["key"]))


def public_keys(element: Element) -> frozenset[str]:
    """Return the keys whose values may be shown as the platform echoes them."""
    return frozenset(str(entry["key"]) for entry in element.asked_for if not is_secret(entry))
