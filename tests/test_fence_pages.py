"""Pages of a database that was restored: read, signed in to, and nothing changed."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from instances.models import Installation, Instance, Share
from tests.restored import is_fenced, keep_again, restore

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def used() -> None:
    """A database whose workers were at work."""
    for _ in range(3):
        keep_again()


def test_behind_the_fence_pages_are_read_and_nothing_is_changed(
    active: Instance, signed_in: Client, operator: User
) -> None:
    restore(1)
    assert signed_in.get(active.get_absolute_url()).status_code == 200
    sharing = f"{active.get_absolute_url()}sharing/"
    answer = signed_in.post(sharing, {"recipient": operator.username, "level": "view"})
    assert answer.status_code == 503
    page = answer.content.decode()
    assert "A backup of the database seems to have been restored" in page
    assert "manage.py after_restore" in page
    assert answer["Cache-Control"] == "no-store"
    assert not Share.objects.exists()
    assert not is_fenced()  # a worker notes it; a page only refuses


def test_the_pages_refuse_as_long_as_the_fence_is_closed(signed_in: Client) -> None:
    assert signed_in.post("/organizations/new/", {}).status_code == 404
    Installation.objects.update(fenced_at="2026-01-01T00:00Z")
    assert signed_in.post("/organizations/new/", {}).status_code == 503


def test_behind_the_fence_one_can_sign_in_and_out(
    client: Client, make_user: Callable[..., User]
) -> None:
    make_user("ines", password="a long enough password")
    restore(1)
    answer = client.post("/sign-in/", {"username": "ines", "password": "a long enough password"})
    assert answer.status_code == 302
    assert client.post("/sign-out/").status_code == 302


def test_readiness_tells(client: Client) -> None:
    assert client.get("/readyz").json()["fence"] is True
    restore(1)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["fence"] is False
