"""What an address asks for besides its page: it leads nobody away, and looks nothing else up."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from instances.models import Instance

pytestmark = pytest.mark.django_db

PASSWORD = "a right and long password"
AWAY = [
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "/\n/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "HtTpS://evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,evil",
    "vbscript:evil",
    "https://testserver@evil.example/",
    "https://testserver:80@evil.example/",
    "https://testserver.evil.example/",
    "//testserver@evil.example",
    "https://evil.example\\@testserver/",
    "https://evil.example#@testserver/",
    "https://[::1]/",
    "/x\r\nLocation: https://evil.example/",
]
# Lookups, orders and columns that no filter of the list offers.
LOOKUPS = {
    "token__startswith": "ce1",
    "organization__user_secret__startswith": "ce1",
    "organization__organization_secret__regex": ".*",
    "owner__password__startswith": "pbkdf2",
    "owner__is_superuser": "1",
    "name__regex": "^(a+)+$",
    "pk__isnull": "1",
    "order_by": "token",
    "ordering": "-owner__password",
    "o": "1",
    "fields": "token",
    "format": "json",
    "_method": "DELETE",
    "__class__": "x",
    "page[rows]": "1",
}


def is_ours(where: str) -> bool:
    """Whether a browser that is sent there stays: one slash, then neither another nor a backslash."""
    return (
        where.startswith("/") and where[1:2] not in ("/", "\\") and not set(where) & set("\r\n\t")
    )


@pytest.fixture
def nora(make_user: Callable[..., User]) -> User:
    return make_user("nora", password=PASSWORD)


@pytest.mark.parametrize("wanted", AWAY)
def test_signing_in_leads_nowhere_else(nora: User, client: Client, wanted: str) -> None:
    typed = {"username": "nora", "password": PASSWORD, "next": wanted}
    answer = client.post("/sign-in/", typed)
    assert answer.status_code == 302
    assert is_ours(answer.headers["Location"])


@pytest.mark.parametrize("wanted", AWAY)
def test_the_second_check_leads_nowhere_else(
    nora: User, client: Client, settings: Settings, wanted: str
) -> None:
    settings.SIGN_IN = {**settings.SIGN_IN, "CHECK_SECONDS": 300.0}
    client.force_login(nora)
    answer = client.post(
        reverse("instances:confirm", query={"next": wanted}), {"password": PASSWORD}
    )
    assert answer.status_code == 302
    assert is_ours(answer.headers["Location"])


def test_a_list_is_narrowed_by_nothing_but_its_filters(
    signed_in: Client, ask: Callable[..., Instance]
) -> None:
    ask(name="only one")
    for name, value in LOOKUPS.items():
        page = signed_in.get("/instances/", {name: value})
        assert page.status_code == 200
        assert [row.name for row in page.context["page"].rows] == ["only one"], name


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"X-HTTP-Method-Override": "POST"}},
        {"headers": {"X-HTTP-Method": "POST"}},
        {"headers": {"X-Method-Override": "POST"}},
        {"query_params": {"_method": "POST"}},
    ],
)
def test_a_get_is_never_taken_for_a_post(
    signed_in: Client, ask: Callable[..., Instance], how: dict[str, Any]
) -> None:
    address = reverse("instances:reveal", args=[ask().pk])
    assert signed_in.get(address, **how).status_code == 405
