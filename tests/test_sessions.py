"""Who reads the sessions in the database cannot sign in with them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances.models import Session
from instances.sessions import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_the_cookie_is_not_in_the_database(signed_in: Client) -> None:
    stored = Session.objects.get()
    assert cookie(signed_in) not in (stored.pk, stored.session_data)


def test_the_row_of_a_session_signs_nobody_in(signed_in: Client) -> None:
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().pk
    assert signed_in.get(reverse("instances:list")).status_code == 200
    assert thief.get(reverse("instances:list")).status_code == 302


def test_a_session_ends_with_signing_out(signed_in: Client) -> None:
    copy = Client()
    copy.cookies[settings.SESSION_COOKIE_NAME] = cookie(signed_in)
    signed_in.post(reverse("instances:sign_out"))
    assert not Session.objects.exists()
    assert copy.get(reverse("instances:list")).status_code == 302


def test_signing_in_ends_the_session_from_before(operator: User) -> None:
    client = Client()
    client.session.save()
    before = cookie(client)
    client.force_login(operator)
    assert cookie(client) != before
    assert not SessionStore().exists(before)


def test_the_asynchronous_twins_keep_the_key_as_secret() -> None:
    async def live() -> tuple[str, bool, dict[str, object]]:
        store = SessionStore()
        await store.aset("kept", "value")
        await store.asave()
        key = str(store.session_key)
        return key, await store.aexists(key), await SessionStore(key).aload()

    # On a thread: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        key, exists, content = thread.submit(lambda: asyncio.run(live())).result()
    assert (exists, content["kept"]) == (True, "value")
    assert not Session.objects.filter(pk=key).exists()
