"""Where one is signed in, how long that lasts, and how it ends."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from instances.engine import housekeeping
from instances.models import AuditEntry, Session
from instances.views.signing_in import device_of

pytestmark = pytest.mark.django_db

RIGHT = "a right and long password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def nora(make_user: Callable[..., User]) -> User:
    return make_user("nora", password=RIGHT)


def browser(address: str = "192.0.2.1", agent: str = FIREFOX) -> Client:
    """A browser in which nora signed in."""
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    assert client.post("/sign-in/", {"username": "nora", "password": RIGHT}).status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_one_sees_browser_and_address(nora: User) -> None:
    browser("198.51.100.7")
    page = browser().get("/account/sessions/").content.decode()
    assert page.count("Firefox on Linux") >= 2
    assert "198.51.100.7" in page


def test_one_other_session_is_ended_at_once(nora: User) -> None:
    other, third, here = browser("198.51.100.7"), browser(), browser()
    row = Session.objects.get(address="198.51.100.7").pk
    here.post("/account/sessions/end/", {"session": row})
    assert [is_signed_in(client) for client in (other, third, here)] == [False, True, True]
    assert AuditEntry.objects.get(action="session.ended").actor == nora


def test_all_others_are_ended_at_once(nora: User) -> None:
    other, third, here = browser(), browser(), browser()
    here.post("/account/sessions/end/")
    assert [is_signed_in(client) for client in (other, third, here)] == [False, False, True]


def test_nobody_ends_the_session_of_somebody_else(
    nora: User, make_user: Callable[..., User], client: Client
) -> None:
    here = browser()
    client.force_login(make_user("eve"))
    row = Session.objects.get(user=nora).pk
    client.post("/account/sessions/end/", {"session": row})
    client.post("/account/sessions/end/")
    assert is_signed_in(here)


def test_a_new_password_ends_the_rows_of_the_others(nora: User) -> None:
    browser(), (here := browser())
    new = "a new and quite long password"
    typed = {"old_password": RIGHT, "new_password1": new, "new_password2": new}
    here.post("/account/password/", typed)
    assert is_signed_in(here)
    assert Session.objects.filter(user=nora).count() == 1


def test_an_unused_session_ends(nora: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        here = browser()
        for _ in range(3):
            clock.shift(timedelta(minutes=29))
            assert is_signed_in(here)
        clock.shift(timedelta(minutes=31))
        assert not is_signed_in(here)


def test_a_session_ends_after_twelve_hours_of_use(nora: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        here = browser()
        for _ in range(29):
            clock.shift(timedelta(minutes=25))
            # Writing into the session does not make it longer either.
            here.post("/account/sessions/end/")
        assert not is_signed_in(here)


def test_a_deactivated_person_is_out_at_once(nora: User) -> None:
    here = browser()
    User.objects.update(is_active=False)
    assert not is_signed_in(here)


def test_old_rows_are_swept(nora: User, account: object) -> None:
    browser()
    Session.objects.update(expire_date=timezone.now() - timedelta(days=2))
    housekeeping.run()
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/140 Safari/537 Edg/140",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18) AppleWebKit Version/18 Safari/604",
            "Safari on iPhone",
        ),
        ("curl/8.1.2", "curl"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_told_in_words_of_ours(agent: str, told: str) -> None:
    assert device_of(agent) == told


def test_an_address_is_changed_and_recorded(nora: User) -> None:
    here = browser()
    assert here.post("/account/", {"email": "nowhere"}).status_code == 422
    assert here.post("/account/", {"email": "nora@example.org"}).status_code == 302
    nora.refresh_from_db()
    assert nora.email == "nora@example.org"
    assert AuditEntry.objects.get(action="email.changed").detail["after"] == "nora@example.org"
