"""Who reveals, or changes rights or secrets, has shown within five minutes who they are."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from instances.models import AuditEntry, Instance, Membership, Organization, Role
from instances.views.second_check import CHECKED_AT, NOT_KEPT
from tests.states import TOKEN

pytestmark = pytest.mark.django_db

RIGHT = "a right and long password"
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def asked(settings: Settings) -> None:
    settings.SIGN_IN = {**settings.SIGN_IN, "CHECK_SECONDS": 300.0}


@pytest.fixture
def olivia(operator: User) -> User:
    operator.set_password(RIGHT)
    operator.save()
    return operator


@pytest.fixture
def browser(olivia: User) -> Client:
    """A browser in which she signed in long ago."""
    client = Client()
    client.force_login(olivia)
    return client


def confirm(client: Client, path: str, password: str = RIGHT) -> Any:
    return client.post(path, {"password": password})


def checked(client: Client, seconds_ago: float) -> None:
    session = client.session
    session[CHECKED_AT] = time.time() - seconds_ago
    session.save()


def test_a_reveal_asks_then_comes_back_to_its_page(browser: Client, active: Instance) -> None:
    page = f"http://testserver/instances/{active.pk}/token/"
    reveal = reverse("instances:reveal", args=[active.pk])
    asked = browser.post(reveal, headers={"Referer": page})
    assert "token.revealed" not in AuditEntry.objects.values_list("action", flat=True)
    back = confirm(browser, asked.headers["Location"])
    assert back.headers["Location"] == f"/instances/{active.pk}/token/"
    assert TOKEN in browser.post(reveal).content.decode()


def test_a_script_is_told_where_to_go(browser: Client, active: Instance) -> None:
    answer = browser.post(reverse("instances:reveal", args=[active.pk]), headers=JSON)
    assert answer.status_code == 403
    assert answer.json()["confirm"].startswith(reverse("instances:confirm"))
    assert TOKEN not in answer.content.decode()


def test_the_id_of_the_session_changes_with_it(browser: Client) -> None:
    before = Client()
    before.cookies[settings.SESSION_COOKIE_NAME] = browser.cookies[
        settings.SESSION_COOKIE_NAME
    ].value
    confirm(browser, reverse("instances:confirm"))
    assert browser.get("/account/").status_code == 200
    assert before.get("/account/").status_code == 302


@pytest.mark.parametrize(("seconds", "answer"), [(299, 200), (301, 302), (-60, 302)])
def test_it_lasts_five_minutes(
    browser: Client, active: Instance, seconds: float, answer: int
) -> None:
    checked(browser, seconds)
    assert browser.post(reverse("instances:reveal", args=[active.pk])).status_code == answer


def test_signing_in_counts(client: Client, olivia: User, active: Instance) -> None:
    client.post("/sign-in/", {"username": "olivia", "password": RIGHT})
    assert client.post(reverse("instances:reveal", args=[active.pk])).status_code == 200


def test_a_wrong_password_opens_nothing_and_is_recorded(browser: Client, active: Instance) -> None:
    answer = confirm(browser, reverse("instances:confirm"), "planted-wrong")
    assert answer.status_code == 422
    assert "planted-wrong" not in answer.content.decode()
    assert browser.post(reverse("instances:reveal", args=[active.pk])).status_code == 302
    entry = AuditEntry.objects.get(action="identity.refused")
    assert (entry.actor_name, entry.result) == ("olivia", "refused")


def test_guessing_here_is_as_slow_as_signing_in(browser: Client) -> None:
    page = reverse("instances:confirm")
    answers = [confirm(browser, page, "wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert confirm(browser, page).status_code == 429


def test_secrets_of_an_organization_are_asked_for_before_and_not_kept(
    browser: Client, olivia: User, organization: Organization
) -> None:
    Membership.objects.filter(user=olivia).update(role=Role.ADMIN)
    page = reverse("instances:organization", args=[organization.pk])
    assert browser.get(page).status_code == 200
    typed = {"user_secret": "planted-secret"}
    asked = browser.post(page, typed, headers={"Referer": f"http://testserver{page}"})
    assert "planted" not in str(asked.headers)
    assert NOT_KEPT in [str(one) for one in get_messages(asked.wsgi_request)]
    assert "planted" not in str(dict(browser.session.items()))
    assert confirm(browser, asked.headers["Location"]).headers["Location"] == page


def test_rights_in_admin_are_asked_for_before_and_lists_are_not(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root", password=RIGHT))
    form = reverse("admin:instances_membership_add")
    assert client.get(reverse("admin:instances_membership_changelist")).status_code == 200
    asked = client.get(form)
    assert parse_qs(urlsplit(asked.headers["Location"]).query)["next"] == [form]
    assert client.post(form).status_code == 302
    assert confirm(client, asked.headers["Location"]).headers["Location"] == form
    assert client.get(form).status_code == 200


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "\\\\evil.example", "javascript:1", "a"]
)
def test_it_never_leads_away(browser: Client, wanted: str) -> None:
    answer = browser.post(f"/sign-in/confirm/?next={wanted}", {"password": RIGHT})
    assert answer.headers["Location"] == "/"


def test_a_borrowed_browser_guesses_no_old_password(browser: Client) -> None:
    asked = browser.post("/account/password/", {"old_password": "guess"})
    assert asked.headers["Location"].startswith(reverse("instances:confirm"))


def test_a_page_elsewhere_is_no_way_back(browser: Client, active: Instance) -> None:
    reveal = reverse("instances:reveal", args=[active.pk])
    asked = browser.post(reveal, headers={"Referer": "https://evil.example/instances/"})
    assert parse_qs(urlsplit(asked.headers["Location"]).query)["next"] == ["/"]


def test_who_has_no_password_is_told_what_to_do(
    client: Client, make_user: Callable[..., User]
) -> None:
    client.force_login(make_user("sso"))
    assert "sign in again" in client.get(reverse("instances:confirm")).content.decode()
