"""Whoever comes back from a provider is believed once, and only who left."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from instances import operations, vault
from instances.models import (
    AuditEntry,
    AuditResult,
    Consent,
    Instance,
    InstanceStatus,
    OperationSecret,
    Role,
)
from instances.vault import Purpose
from sandbox.running import Account
from tests.ceremonies import come_back, decide, leave, query_of, work
from tests.consents.steps import S, posts, stand, waiting_for_locks
from tests.workers import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_denial_ends_the_request(waiting: Instance, signed_in: Client, account: Account) -> None:
    answer = come_back(signed_in, decide(leave(signed_in, waiting), "deny"))
    assert answer.headers["Location"] == waiting.get_absolute_url()
    assert stand(waiting) == (InstanceStatus.CANCELED, S.CANCELED, "denied")
    assert not OperationSecret.objects.exists()
    assert Consent.objects.get().way == ""
    assert AuditEntry.objects.filter(action="consent.denied").exists()
    page = signed_in.get(waiting.get_absolute_url()).content.decode()
    assert "It was not allowed at" in page
    assert posts(account) == []


def test_denial_of_oauth1_ends_the_request(
    asked: Callable[..., Instance], quickbooks: None, signed_in: Client, account: Account
) -> None:
    account.set(oauth1_returns_state=False)
    instance = asked("quickbooks")
    come_back(signed_in, decide(leave(signed_in, instance), "deny"))
    assert stand(instance) == (InstanceStatus.CANCELED, S.CANCELED, "denied")


def test_return_works_once(waiting: Instance, signed_in: Client, account: Account) -> None:
    back = decide(leave(signed_in, waiting))
    come_back(signed_in, back)
    work()
    come_back(signed_in, back)
    page = signed_in.get(waiting.get_absolute_url()).content.decode()
    assert "Nothing was done a second time" in page
    work()
    assert len(posts(account)) == 1
    assert AuditEntry.objects.filter(action="consent.given").count() == 1


def test_return_twice_before_the_worker_comes_keeps_the_first_code(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    address = leave(signed_in, waiting)
    first, second = decide(address), decide(address)
    come_back(signed_in, first)
    come_back(signed_in, second)
    work()
    assert posts(account)[0]["providerData"]["code"] == query_of(first)["code"]


@pytest.mark.parametrize(
    ("query", "how"),
    [
        ("", "unknown"),
        ("?code=stolen", "unknown"),
        ("?code=stolen&state=made-up", "unknown"),
        ("?oauth_token=made-up&oauth_verifier=v", "unknown"),
        ("?error=access_denied", "unknown"),
    ],
)
def test_return_without_our_state_leads_nowhere(
    waiting: Instance, signed_in: Client, query: str, how: str
) -> None:
    leave(signed_in, waiting)
    answer = signed_in.get(reverse("instances:oauth_callback") + query)
    assert answer.headers["Location"] == reverse("instances:oauth_returned", args=[how])
    page = signed_in.get(answer.headers["Location"])
    assert "We do not know this return" in page.content.decode()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert stand(waiting)[0] == InstanceStatus.BLOCKED


@pytest.mark.parametrize("who", ["same person", "somebody else", "nobody"])
def test_return_in_another_browser_does_nothing(
    waiting: Instance, signed_in: Client, operator: User, member: Callable[..., User], who: str
) -> None:
    back = decide(leave(signed_in, waiting))
    other = Client()
    if who != "nobody":
        other.force_login(operator if who == "same person" else member(Role.ADMIN))
    answer = come_back(other, back)
    assert answer.headers["Location"] == reverse("instances:oauth_returned", args=["foreign"])
    page = other.get(answer.headers["Location"]).content.decode()
    assert "not the browser that left" in page
    assert waiting.name not in page
    assert Consent.objects.get().returned_at is None
    assert AuditEntry.objects.get(action="consent.foreign").result == AuditResult.REFUSED
    come_back(signed_in, back)
    assert Consent.objects.get().returned_at is not None


def test_whoever_leaves_again_in_another_browser_comes_back_there(
    waiting: Instance, signed_in: Client, operator: User
) -> None:
    leave(signed_in, waiting)
    other = Client()
    other.force_login(operator)
    back = decide(leave(other, waiting))
    assert "foreign" in come_back(signed_in, back).headers["Location"]
    assert come_back(other, back).headers["Location"] == waiting.get_absolute_url()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"code": ""}, "without what proves your consent"),
        ({"code": "x" * 5000}, "without what proves your consent"),
        ({"error": "server_error"}, "reported an error"),
    ],
)
def test_return_with_nothing_to_use_can_be_repeated(
    waiting: Instance, signed_in: Client, changed: dict[str, str], words: str
) -> None:
    back = decide(leave(signed_in, waiting))
    told = query_of(back) | changed
    signed_in.get(reverse("instances:oauth_callback"), told)
    assert words in signed_in.get(waiting.get_absolute_url()).content.decode()
    assert stand(waiting)[0] == InstanceStatus.BLOCKED
    come_back(signed_in, back)
    assert stand(waiting)[0] == InstanceStatus.QUEUED


def test_return_with_a_parameter_twice_is_not_taken(waiting: Instance, signed_in: Client) -> None:
    back = decide(leave(signed_in, waiting))
    come_back(signed_in, f"{back}&code=another")
    assert Consent.objects.get().returned_at is None


def test_oauth1_return_with_another_token_is_not_taken(
    asked: Callable[..., Instance], quickbooks: None, signed_in: Client
) -> None:
    instance = asked("quickbooks")
    told = query_of(decide(leave(signed_in, instance))) | {"oauth_token": "another"}
    signed_in.get(reverse("instances:oauth_callback"), told)
    assert Consent.objects.get().returned_at is None


def test_session_of_one_person_is_no_proof_for_another(
    waiting: Instance, signed_in: Client, member: Callable[..., User]
) -> None:
    told = query_of(decide(leave(signed_in, waiting)))
    outcome, _ = operations.take_return(
        actor=member(Role.ADMIN), session_key=signed_in.session.session_key or "", told=told
    )
    assert outcome == operations.Return.FOREIGN


def test_of_two_returns_at_once_one_counts(
    waiting: Instance, signed_in: Client, operator: User
) -> None:
    """Both have read the row when the first may write."""
    address, session = leave(signed_in, waiting), signed_in.session.session_key or ""
    returns = [query_of(decide(address)) for _ in range(2)]
    outcomes: dict[str, operations.Return] = {}

    def come(told: dict[str, str]) -> None:
        try:
            asked: dict[str, Any] = {"actor": operator, "session_key": session, "told": told}
            outcomes[told["code"]] = operations.take_return(**asked)[0]
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=[told]) for told in returns]
    with transaction.atomic():
        Consent.objects.select_for_update().get()
        for thread in threads:
            thread.start()
        if connection.vendor == "postgresql":
            wait_for(lambda: waiting_for_locks() == 2)
    for thread in threads:
        thread.join()
    (given,) = [code for code, what in outcomes.items() if what == operations.Return.GIVEN]
    sealed = vault.open_sealed(Consent.objects.get(), "answer", purpose=Purpose.CHECK)
    assert json.loads(sealed.reveal())["code"] == given
