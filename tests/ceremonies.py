"""The way to a provider's consent page and back, as a person's browser goes it."""

import re
from contextlib import nullcontext
from html import unescape
from urllib.parse import parse_qs, urlsplit

import requests
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from instances.cloud_elements.elements import settings_of
from instances.engine import accounts, drain
from instances.engine.claims import lease
from instances.models import Element, Instance, Operation, Organization, database_now

ADDRESS = "https://desk.test"


def work(rounds: int = 1) -> None:
    """Do what is due, and only that, as a worker does, once or several times."""
    for _ in range(rounds):
        for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
            drain.work_on(operation)


def offer(organization: Organization, key: str, authentication: str) -> Element:
    """Store an OAuth element as the catalog shows it."""
    return Element.objects.create(
        organization=organization,
        element_key=key,
        name=key,
        authentication=authentication,
        settings=settings_of(accounts.client_for(organization, lambda _: nullcontext()), key),
        seen_at=database_now(),
    )


def leave(browser: Client, instance: Instance) -> str:
    """Follow the link to the provider; return its address."""
    answer = browser.get(reverse("instances:consent", args=[instance.pk]))
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def decide(address: str, answer: str = "allow") -> str:
    """Press a button on the provider's page; return the address it sends the person back to."""
    page = requests.get(address, timeout=20).text
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    fields = {unescape(name): unescape(value) for name, value in found} | {"answer": answer}
    sent = requests.post(address.partition("?")[0], fields, allow_redirects=False, timeout=20)
    assert sent.status_code == 302
    return sent.headers["Location"]


def come_back(browser: Client, address: str) -> HttpResponse:
    """Let the browser follow the provider's redirect."""
    assert address.startswith(ADDRESS)
    answer = browser.get(address.removeprefix(ADDRESS))
    assert isinstance(answer, HttpResponse)
    return answer


def query_of(address: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
