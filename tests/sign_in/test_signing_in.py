"""Signing in: tries are counted before anything is compared, and recorded after."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse

from instances import operations
from instances.engine import housekeeping
from instances.models import AuditEntry, SignInTries, database_now
from instances.operations import tries

pytestmark = pytest.mark.django_db

RIGHT, WRONG = "a right and long password", "a wrong and long password"
PAGE = "/sign-in/"


@pytest.fixture
def nora(make_user: Callable[..., User]) -> User:
    """A person with a password."""
    return make_user("nora", password=RIGHT)


def tried(client: Client, password: str, name: str = "nora", address: str = "192.0.2.1") -> Any:
    typed = {"username": name, "password": password}
    return client.post(PAGE, typed, REMOTE_ADDR=address)


def guess(times: int, name: str = "nora", address: str = "192.0.2.1") -> list[int]:
    return [tried(Client(), WRONG, name, address).status_code for _ in range(times)]


def later(**period: float) -> None:
    """Let time pass, as the rows have it."""
    period_passed = timedelta(**period)
    SignInTries.objects.update(
        last_at=F("last_at") - period_passed, open_at=F("open_at") - period_passed
    )


def test_after_five_wrong_ones_the_right_one_is_not_compared(client: Client, nora: User) -> None:
    assert guess(5) == [200] * 5
    answer = tried(client, RIGHT)
    assert answer.status_code == 429
    assert "try again in a minute" in answer.content.decode()
    assert not client.session.get("_auth_user_id")


def test_each_further_one_waits_longer(client: Client, nora: User) -> None:
    guess(5)
    later(seconds=31)
    assert guess(2) == [200, 429]
    later(seconds=31)
    assert guess(1) == [429]
    later(seconds=31)
    assert guess(1) == [200]


def test_it_opens_again_for_the_right_one(client: Client, nora: User) -> None:
    guess(9)
    later(minutes=16)
    assert tried(client, RIGHT).status_code == 302
    assert not SignInTries.objects.exclude(tries=0).filter(open_at__gt=database_now()).exists()


def test_at_most_thirteen_guesses_an_hour_are_compared() -> None:
    spent, compared = timedelta(), 0
    while spent < timedelta(hours=1):
        compared += 1
        spent += tries.wait_after(compared, tries.FREE["name"])
    assert compared <= 13


def test_other_addresses_do_not_help(nora: User) -> None:
    answers = [guess(1, address=f"192.0.2.{number}")[0] for number in range(1, 8)]
    assert answers == [200] * 5 + [429] * 2


def test_other_names_do_not_help(nora: User) -> None:
    answers = [guess(1, name=f"somebody-{number}")[0] for number in range(52)]
    assert answers == [200] * 50 + [429] * 2


def test_addresses_of_one_network_of_version_6_are_one(nora: User) -> None:
    answers = [
        guess(1, name=f"somebody-{number}", address=f"2001:db8::{number:x}")[0]
        for number in range(51)
    ]
    assert answers == [200] * 50 + [429]
    assert guess(1, name="another", address="2001:db8:0:1::1") == [200]


def test_an_office_may_sign_in_as_often_as_it_likes(client: Client, nora: User) -> None:
    answers = [tried(Client(), RIGHT).status_code for _ in range(55)]
    assert answers == [302] * 55


def test_who_signed_in_there_before_is_not_locked_out(client: Client, nora: User) -> None:
    assert tried(client, RIGHT).status_code == 302
    client.post(reverse("instances:sign_out"))
    assert guess(6, address="192.0.2.9")[-1] == 429
    assert tried(Client(), RIGHT).status_code == 429
    assert tried(client, RIGHT).status_code == 302


def test_a_device_of_somebody_else_is_none_of_this_name(
    client: Client, nora: User, make_user: Callable[..., User]
) -> None:
    make_user("eve", password=RIGHT)
    tried(client, RIGHT, "eve")
    client.post(reverse("instances:sign_out"))
    guess(5)
    assert tried(client, RIGHT, "nora").status_code == 429


def test_a_known_device_may_not_guess_for_ever(client: Client, nora: User) -> None:
    tried(client, RIGHT)
    client.post(reverse("instances:sign_out"))
    assert [tried(client, WRONG).status_code for _ in range(6)] == [200] * 5 + [429]


def test_the_cookie_of_a_device_goes_to_the_sign_in_page_only(client: Client, nora: User) -> None:
    cookie = tried(client, RIGHT).cookies["device"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (PAGE, True, "Lax")


def test_names_that_exist_and_do_not_are_answered_alike(nora: User) -> None:
    def shown(name: str) -> list[str]:
        pages = [tried(Client(), WRONG, name).content.decode() for _ in range(6)]
        return [page.split('role="alert">')[1].split("</div>")[0] for page in pages]

    assert shown("nora") == shown("nobody-of-that-name")


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_time_all_count(nora: User) -> None:
    def one(_number: int) -> int:
        try:
            return guess(1)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(12)))
    assert sorted(answers) == [200] * 5 + [429] * 7


def test_what_was_typed_as_a_name_is_kept_nowhere(client: Client, nora: User) -> None:
    tried(client, WRONG, name="a-password-typed-above")
    (entry,) = AuditEntry.objects.filter(action="sign_in.failed")
    assert "a-password" not in str(vars(entry))
    assert not any("a-password" in str(vars(row)) for row in SignInTries.objects.all())


def test_signing_in_failing_and_out_are_recorded(client: Client, nora: User) -> None:
    tried(client, WRONG)
    tried(client, RIGHT)
    client.post(reverse("instances:sign_out"))
    rows = AuditEntry.objects.filter(object_id=str(nora.pk)).order_by("pk")
    assert list(rows.values_list("action", "actor_name", "result", "address")) == [
        ("sign_in.failed", "somebody", "refused", "192.0.2.1"),
        ("sign_in.done", "nora", "done", "192.0.2.1"),
        ("sign_out.done", "nora", "done", "127.0.0.1"),
    ]


def test_a_new_password_is_recorded(client: Client, nora: User) -> None:
    client.force_login(nora)
    new = "a new and quite long password"
    typed = {"old_password": RIGHT, "new_password1": new, "new_password2": new}
    assert client.post("/account/password/", typed).status_code == 302
    assert client.get("/account/").status_code == 200
    nora.refresh_from_db()
    assert nora.check_password(new)
    assert AuditEntry.objects.get(action="password.changed").actor == nora


def test_old_tries_are_forgotten(nora: User, account: object) -> None:
    guess(1)
    later(hours=25)
    housekeeping.run()
    assert not SignInTries.objects.exists()


def test_an_hour_without_a_try_begins_anew(nora: User) -> None:
    guess(5)
    later(minutes=61)
    assert guess(5) == [200] * 5


@pytest.fixture
def staff(make_user: Callable[..., User]) -> User:
    return make_user("sam", password=RIGHT, is_staff=True)


def test_django_admin_is_entered_through_the_one_door(client: Client, staff: User) -> None:
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/sign-in/?next=%2Fadmin%2F"
    answer = client.post(page.redirect_chain[-1][0], {"username": "sam", "password": RIGHT})
    assert answer.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_django_admin_takes_no_password_itself(client: Client, staff: User) -> None:
    typed = {"username": "sam", "password": RIGHT, "next": "/admin/"}
    assert client.post("/admin/login/", typed).headers["Location"].startswith("/sign-in/")
    assert not client.session.get("_auth_user_id")


def test_who_is_no_staff_learns_of_no_admin(client: Client, nora: User) -> None:
    client.force_login(nora)
    assert client.get("/admin/", follow=True).status_code == 404


def test_the_clock_is_the_databases(nora: User) -> None:
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC)):
        assert database_now().year > 2025


@pytest.fixture(autouse=True)
def quick_hasher(settings: Any) -> None:
    """Passwords are not what is tested here."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def test_the_operation_says_how_long(nora: User) -> None:
    for _ in range(5):
        operations.begin_sign_in(name="nora", address="192.0.2.1")
    with pytest.raises(operations.TooManyTriesError) as told:
        operations.begin_sign_in(name="nora", address="192.0.2.2")
    assert told.value.minutes == 1
