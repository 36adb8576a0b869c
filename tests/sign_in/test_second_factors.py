"""A code of an app, a recovery code: added, asked for after the password, taken once, counted."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from instances import one_time, operations, vault
from instances.models import AuditEntry, RecoveryCode, SecondFactor, SignInTries
from instances.one_time import code_at, present_step
from instances.vault import rotation
from tests.test_vault import ring_text, use_ring

pytestmark = pytest.mark.django_db

RIGHT = "a right and long password"
STEP = "/sign-in/second/"
ADDRESS = {"address": "192.0.2.1"}


@pytest.fixture
def nora(make_user: Callable[..., User]) -> User:
    return make_user("nora", password=RIGHT)


def enroll(user: User) -> tuple[str, list[str]]:
    """Add an app as its owner does, an hour ago; return its seed and the recovery codes."""
    seed, _address = operations.address_of(operations.begin_app(actor=user))
    code = code_at(seed, present_step())
    codes = operations.confirm_app(actor=user, code=code, **ADDRESS)
    SecondFactor.objects.update(last_step=present_step() - 120)
    return seed, codes


def password_shown() -> Client:
    client = Client()
    answer = client.post("/sign-in/?next=/activity/", {"username": "nora", "password": RIGHT})
    assert answer.headers["Location"] in (STEP, "/activity/")
    return client


def show(client: Client, code: str) -> Any:
    return client.post(STEP, {"code": code})


def now(seed: str) -> str:
    return code_at(seed, present_step())


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_the_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, the last six of its eight digits.
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [code_at(seed, at // 30) for at in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]


def test_an_app_is_added_by_its_first_code(client: Client, nora: User) -> None:
    client.force_login(nora)
    page = client.get("/account/factors/app/").content.decode()
    seed = re.sub(r"\s", "", re.findall(r"<code>([A-Z2-7 ]{39})</code>", page)[0])
    assert "<svg" in page
    assert client.post("/account/factors/app/", {"code": "000000"}).status_code == 422
    shown = client.post("/account/factors/app/", {"code": now(seed)}).content.decode()
    codes = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", shown)
    assert len(set(codes)) == 10
    again = client.get("/account/factors/").content.decode()
    assert not any(code in again for code in codes)
    assert AuditEntry.objects.filter(action="second_factor.added", actor=nora).exists()


def test_an_app_that_was_begun_only_asks_for_nothing(client: Client, nora: User) -> None:
    client.force_login(nora)
    client.get("/account/factors/app/")
    assert is_signed_in(password_shown())


def test_a_first_factor_signs_out_browsers_that_showed_a_password_only(nora: User) -> None:
    other, here = password_shown(), password_shown()
    seed, _address = operations.address_of(operations.begin_app(actor=nora))
    here.post("/account/factors/app/", {"code": now(seed)})
    assert [is_signed_in(other), is_signed_in(here)] == [False, True]


def test_the_password_alone_signs_nobody_in(nora: User) -> None:
    enroll(nora)
    client = password_shown()
    assert not is_signed_in(client)
    assert not AuditEntry.objects.filter(action="sign_in.done").exists()


def test_password_and_code_sign_in_and_lead_on(nora: User) -> None:
    seed, _codes = enroll(nora)
    client = password_shown()
    assert show(client, now(seed)).headers["Location"] == "/activity/"
    assert is_signed_in(client)
    assert AuditEntry.objects.get(action="sign_in.done").detail == {"how": "password and code"}


def test_a_code_is_taken_once(nora: User) -> None:
    seed, _codes = enroll(nora)
    code = now(seed)
    assert show(password_shown(), code).status_code == 302
    assert show(password_shown(), code).status_code == 422


def test_an_older_code_is_not_taken_after_a_newer_one(nora: User) -> None:
    seed, _codes = enroll(nora)
    with time_machine.travel(timezone.now(), tick=False):
        assert show(password_shown(), now(seed)).status_code == 302
        assert show(password_shown(), code_at(seed, present_step() - 1)).status_code == 422


@pytest.mark.parametrize(("off", "answer"), [(-2, 422), (-1, 302), (1, 302), (2, 422)])
def test_a_clock_may_be_wrong_by_one_period(nora: User, off: int, answer: int) -> None:
    seed, _codes = enroll(nora)
    with time_machine.travel(timezone.now(), tick=False):
        assert show(password_shown(), code_at(seed, present_step() + off)).status_code == answer


def test_a_recovery_code_is_taken_once_however_it_is_written(nora: User) -> None:
    _seed, codes = enroll(nora)
    assert show(password_shown(), codes[3].upper().replace("-", " ")).status_code == 302
    assert show(password_shown(), codes[3]).status_code == 422
    assert show(password_shown(), codes[4]).status_code == 302


def test_guessing_codes_is_slow_for_who_knows_the_password_too(nora: User) -> None:
    seed, _codes = enroll(nora)
    answers = [show(password_shown(), f"00000{number}").status_code for number in range(6)]
    assert answers == [422] * 5 + [429]
    assert show(password_shown(), now(seed)).status_code == 429
    assert SignInTries.objects.exists()


def test_a_refused_code_is_recorded_and_not_kept(nora: User) -> None:
    enroll(nora)
    show(password_shown(), "424242")
    entry = AuditEntry.objects.get(action="second_factor.refused")
    assert (entry.actor_name, entry.object_name) == ("somebody", "nora")
    assert "424242" not in str(vars(entry))


def test_too_late_for_the_second_step(nora: User) -> None:
    seed, _codes = enroll(nora)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = password_shown()
        clock.shift(timedelta(minutes=11))
        assert show(client, now(seed)).headers["Location"] == "/sign-in/"
        assert not is_signed_in(client)


def test_the_second_step_alone_leads_to_the_first(client: Client) -> None:
    assert client.get(STEP).headers["Location"] == "/sign-in/"


def test_a_deactivated_person_does_not_finish(nora: User) -> None:
    seed, _codes = enroll(nora)
    client = password_shown()
    User.objects.update(is_active=False)
    assert show(client, now(seed)).headers["Location"] == "/sign-in/"


def test_a_second_factor_confirms_as_a_password_does(nora: User, settings: Settings) -> None:
    settings.SIGN_IN = {**settings.SIGN_IN, "CHECK_SECONDS": 300.0}
    seed, _codes = enroll(nora)
    client = Client()
    client.force_login(nora)
    where = client.get("/account/factors/app/").headers["Location"]
    assert client.post(where, {"code": "123123"}).status_code == 422
    assert client.post(where, {"code": now(seed)}).headers["Location"] == "/account/factors/app/"


def test_removing_the_last_one_removes_the_codes(client: Client, nora: User) -> None:
    enroll(nora)
    client.force_login(nora)
    page = f"/account/factors/{SecondFactor.objects.get().pk}/remove/"
    assert "your last one" in client.get(page).content.decode()
    client.post(page)
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert is_signed_in(password_shown())


def test_new_codes_end_the_old_ones(client: Client, nora: User) -> None:
    _seed, codes = enroll(nora)
    client.force_login(nora)
    shown = client.post("/account/factors/codes/").content.decode()
    assert show(password_shown(), codes[0]).status_code == 422
    new = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", shown)
    assert show(password_shown(), new[0]).status_code == 302


def test_nobody_touches_the_factors_of_others(
    client: Client, nora: User, make_user: Callable[..., User]
) -> None:
    enroll(nora)
    client.force_login(make_user("eve"))
    page = f"/account/factors/{SecondFactor.objects.get().pk}/remove/"
    assert client.post(page).status_code == 404
    assert SecondFactor.objects.exists()


def test_seed_and_codes_are_sealed_and_bound_to_their_person(
    nora: User, make_user: Callable[..., User]
) -> None:
    seed, codes = enroll(nora)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM instances_secondfactor")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT digest FROM instances_recoverycode")
        stored += str(cursor.fetchall())
    assert "ce1." in stored
    assert not any(text in stored for text in (seed, codes[0], one_time.digest_of(codes[0])))
    # Put beside another name, it does not open.
    SecondFactor.objects.update(user=make_user("eve"))
    with pytest.raises(vault.UnreadableError):
        operations.address_of(SecondFactor.objects.get())


def test_a_new_key_ring_takes_seed_and_codes_along(nora: User, settings: Settings) -> None:
    seed, codes = enroll(nora)
    use_ring(settings, ring_text("t2", t1="t", t2="u"))
    rotation.reseal(vault.ring())
    assert set(rotation.count_by_key()) == {"t2"}
    rotation.retire("t1")
    use_ring(settings, ring_text("t2", t2="u"))
    assert show(password_shown(), now(seed)).status_code == 302
    assert show(password_shown(), codes[0]).status_code == 302
