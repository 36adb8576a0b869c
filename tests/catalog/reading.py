"""The catalog is read as a whole, bounded, and shown; odd elements spoil no others: what its tests share."""

from django.test import Client
from django.urls import reverse

from instances.models import CatalogReading, Element, Organization, database_now
from sandbox.running import Account


def element(key: str) -> Element:
    return Element.objects.get(element_key=key)


def hostile(account: Account, **changes: object) -> None:
    """Add an element to the account's catalog."""
    account.add_element(**({"key": "odd", "name": "Odd", "hub": "general"} | changes))


def entry(key: str, **changes: object) -> dict[str, object]:
    return {"key": key, "name": key.title(), "type": "TEXTFIELD_128", "required": True} | changes


def asked_by_all() -> dict[str, list[dict[str, object]]]:
    """What each element asks for, without the words of its options."""
    found = {each.element_key: each.asked_for for each in Element.objects.all()}
    for entries in found.values():
        for each in entries:
            options = each["options"]
            assert isinstance(options, list)
            each["options"] = [value for value, _ in options]
    return found


def asked(organization: Organization) -> CatalogReading:
    """A reading that somebody waits for."""
    now = database_now()
    return CatalogReading.objects.create(organization=organization, asked_at=now, due_at=now)


def poll(browser: Client, organization: Organization) -> tuple[str, bool]:
    """Ask as the open page does; return the answer, and whether it takes the whole page's place."""
    url = reverse("instances:elements", args=[organization.pk])
    answer = browser.get(url, headers={"HX-Request": "true", "HX-Target": "reading"})
    return answer.content.decode(), answer.headers.get("HX-Retarget") == "body"
