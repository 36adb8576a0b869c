"""Signing in and out, one's password, the health addresses, activity."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from instances.models import Instance
from instances.vault import keyring

OLD, NEW = "an-old-and-long-password", "a-new-and-long-password"


@pytest.fixture
def nora(make_user: Callable[..., User]) -> User:
    """A person with a password."""
    return make_user("nora", password=OLD)


def change(client: Client, old: str, new: str) -> Any:
    typed = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/account/password/", typed, follow=True)


def test_sign_in_leads_where_one_wanted_to_go(client: Client, nora: User) -> None:
    typed = {"username": "nora", "password": OLD}
    response = client.post("/sign-in/?next=/activity/", typed)
    assert response.headers["Location"] == "/activity/"


def test_wrong_password_does_not_sign_in(client: Client, nora: User) -> None:
    response = client.post("/sign-in/", {"username": "nora", "password": "planted"})
    assert "planted" not in response.content.decode()
    assert client.get("/account/").status_code == 302


def test_signed_in_person_is_not_asked_again(client: Client, nora: User) -> None:
    client.force_login(nora)
    assert client.get("/sign-in/").headers["Location"] == "/"


def test_sign_out_is_posted_and_ends_the_session(client: Client, nora: User) -> None:
    client.force_login(nora)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/account/").status_code == 302


def test_new_password_keeps_this_session_and_ends_others(client: Client, nora: User) -> None:
    other = Client()
    for browser in (client, other):
        browser.login(username="nora", password=OLD)
    assert "Your password is changed." in change(client, OLD, NEW).content.decode()
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302


@pytest.mark.parametrize(("old", "new"), [("wrong", NEW), (OLD, "short"), ("", "")])
def test_password_is_not_changed_by_mistake(client: Client, nora: User, old: str, new: str) -> None:
    client.force_login(nora)
    assert change(client, old, new).status_code == 422
    nora.refresh_from_db()
    assert nora.check_password(OLD)


def test_liveness_needs_nobody_and_nothing(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db
def test_readiness_tells_yes_or_no_and_nothing_else(client: Client) -> None:
    response = client.get("/readyz")
    checks = response.json()
    assert checks["database"] is checks["keys"] is True
    assert response.status_code == (200 if checks["broker"] else 503)
    assert list(checks) == ["database", "keys", "broker", "fence"]


@pytest.mark.django_db
def test_readiness_notices_a_missing_key_ring(client: Client, settings: Any) -> None:
    settings.VAULT = {"KEYRING": "", "KEYRING_FILE": ""}
    keyring.ring.cache_clear()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["keys"] is False


def test_activity_lists_only_what_one_may_see(
    client: Client, signed_in: Client, active: Instance, nora: User
) -> None:
    assert "5f3c9a1e-77b0" in signed_in.get("/activity/").content.decode()
    client.force_login(nora)
    assert "Nothing happened yet" in client.get("/activity/").content.decode()


def test_activity_query_count_does_not_grow(
    signed_in: Client, ask: Callable[..., Instance], django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        ask()
        with django_assert_num_queries(9):
            signed_in.get("/activity/")
