"""Elements that a test invents: read from the very documents that the catalog shows."""

from collections.abc import Sequence
from typing import Any

from sandbox import elements
from sandbox.catalog import Element, Setting

FIRST_NUMBER = 20_000


def element_from(document: dict[str, Any], number: int = 0) -> Element:
    """
    Make an element of a catalog document: `key`, `name`, `hub`, `authentication`, `configuration`.

    :raises ValueError: it has no key, or an entry has none.
    """
    key = str(document.get("key") or "")
    if not key:
        raise ValueError("An element needs a key")
    authentication = document.get("authentication", {"type": "basic"})
    element = Element(
        id=number or max(FIRST_NUMBER, *elements.BY_ID) + 1,
        key=key,
        name=document.get("name", key),
        hub=document.get("hub", "general"),
        authentication=authentication["type"],
        description=document.get("description", ""),
        config_description=document.get("configDescription", ""),
        signup_url=document.get("signupURL", ""),
        resources=tuple(document.get("resources", ())),
        settings=tuple(_setting(each) for each in document.get("configuration", ())),
    )
    elements.BY_ID[element.id] = element
    return element


def _setting(item: dict[str, Any]) -> Setting:
    if not item.get("key"):
        raise ValueError("A configuration entry needs a key")
    return Setting(
        key=item["key"],
        name=item.get("name", item["key"]),
        kind=item.get("type", "TEXTFIELD_128"),
        required=item.get("required", False),
        default=item.get("defaultValue"),
        group=item.get("groupName"),
        options=tuple((each["value"], each["description"]) for each in item.get("options", ())),
        chooses_group=item.get("groupControl", False),
        hidden=item.get("hideFromConsole", False),
        internal=item.get("internal", False),
        shown=item.get("defaultValue") is not None,
        description=item.get("description", ""),
    )


def replaced(known: Sequence[Element], new: Element) -> list[Element]:
    """Put an element to the others; one with its key makes way."""
    return [*(each for each in known if each.key != new.key), new]
