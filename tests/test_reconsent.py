"""Somebody consents again, for an instance that exists: same id, one use of each code."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from instances import operations
from instances.models import (
    AttemptOutcome,
    CancelWish,
    Consent,
    Element,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
    OperationState,
    Organization,
)
from sandbox.running import Account
from tests.cases import the_operation
from tests.ceremonies import ADDRESS, come_back, decide, leave, offer, query_of, work

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
S = OperationState
APPLICATION = {"key": "client-of-ours", "secret": "its-long-secret"}


@pytest.fixture(autouse=True)
def known_address(settings: Settings) -> None:
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def sfdc(organization: Organization) -> Element:
    return offer(organization, "sfdc", "oauth2")


@pytest.fixture
def made(ask: Ask, sfdc: Element, signed_in: Client) -> Instance:
    """An instance that was made by a consent."""
    names = {"oauth.api.key": APPLICATION["key"], "oauth.api.secret": APPLICATION["secret"]}
    instance = ask(element_key="sfdc", configuration=names)
    work()
    come_back(signed_in, decide(leave(signed_in, instance)))
    work()
    instance.refresh_from_db()
    assert instance.is_active
    return instance


@pytest.fixture
def waiting(made: Instance, signed_in: Client) -> Instance:
    """The same, waiting for a new consent."""
    address = reverse("instances:reconsent", args=[made.pk])
    assert signed_in.post(address, APPLICATION).headers["Location"] == made.get_absolute_url()
    work()
    return made


def stand(instance: Instance) -> tuple[str, str, str]:
    instance.refresh_from_db()
    operation = the_operation(instance)
    return instance.status, operation.state, operation.problem


def patches(account: Account) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in account.ledger() if entry.method == "PATCH"]


def test_new_consent_takes_the_place_of_the_old(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    before = account.only_instance()
    assert stand(waiting) == (InstanceStatus.BLOCKED, S.QUEUED, "")
    assert "Your turn" in signed_in.get(waiting.get_absolute_url()).content.decode()
    back = decide(leave(signed_in, waiting))
    come_back(signed_in, back)
    assert stand(waiting)[0] == InstanceStatus.CHANGING
    work()
    assert stand(waiting) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")
    after = account.only_instance()
    assert after["id"] == before["id"]
    names = ("oauth.user.token", "oauth.user.refresh_token")
    assert all(after["configuration"][name] != before["configuration"][name] for name in names)
    assert patches(account)[0]["providerData"] == {"code": query_of(back)["code"]}
    assert (OperationSecret.objects.count(), Consent.objects.exclude(way="").count()) == (0, 0)


def test_denial_leaves_the_instance_as_it_was(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    come_back(signed_in, decide(leave(signed_in, waiting), "deny"))
    assert stand(waiting) == (InstanceStatus.ACTIVE, S.CANCELED, "denied")
    assert "nothing was changed" in signed_in.get(waiting.get_absolute_url()).content.decode()
    assert patches(account) == []


def test_nobody_coming_back_leaves_the_instance_as_it_was(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    Consent.objects.update(expires_at=Now())
    Operation.objects.filter(finished_at=None).update(next_run_at=Now())
    work()
    assert stand(waiting) == (InstanceStatus.ACTIVE, S.CANCELED, "abandoned")
    assert (OperationSecret.objects.count(), Consent.objects.exclude(way="").count()) == (0, 0)
    assert "Nothing was changed" in signed_in.get(waiting.get_absolute_url()).content.decode()


def test_it_can_be_taken_back(waiting: Instance, operator: User, account: Account) -> None:
    assert operations.request_cancel(actor=operator, instance=waiting, wish=CancelWish.KEEP)
    assert stand(waiting)[:2] == (InstanceStatus.ACTIVE, S.CANCELED)
    assert patches(account) == []


def test_lost_answer_asks_for_consent_again_and_sends_no_code_twice(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.fault("drop before commit", method="PATCH", path="/instances")
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting)[1] == S.UNKNOWN
    assert Consent.objects.get(pk=the_operation(waiting).pk).answer == ""
    work(3)
    assert stand(waiting) == (InstanceStatus.BLOCKED, S.QUEUED, "spent")
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")
    codes = [body["providerData"]["code"] for body in patches(account)]
    assert len(codes) == len(set(codes)) == 2


def test_second_round_can_be_taken_back_at_once(
    waiting: Instance, signed_in: Client, operator: User, account: Account
) -> None:
    account.fault("drop before commit", method="PATCH", path="/instances")
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work(4)
    assert the_operation(waiting).attempts.get().outcome == AttemptOutcome.SUPERSEDED
    operations.request_cancel(actor=operator, instance=waiting, wish=CancelWish.KEEP)
    work()
    assert stand(waiting)[:2] == (InstanceStatus.ACTIVE, S.CANCELED)
    assert len(patches(account)) == 1


def test_code_that_the_provider_refuses_leaves_the_instance_as_it_was(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.set(oauth_code_seconds=0.0)
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting)[:2] == (InstanceStatus.ACTIVE, S.REJECTED)


def test_refusal_to_tell_the_way_leaves_the_instance_as_it_was(
    made: Instance, signed_in: Client, account: Account
) -> None:
    account.set(oauth_address="javascript:alert(1)")
    signed_in.post(reverse("instances:reconsent", args=[made.pk]), APPLICATION)
    work()
    assert stand(made) == (InstanceStatus.ACTIVE, S.REJECTED, "consent")


def test_form_names_what_is_missing_and_shows_no_secret(made: Instance, signed_in: Client) -> None:
    address = reverse("instances:reconsent", args=[made.pk])
    answer = signed_in.post(address, {"secret": "its-long-secret"})
    assert answer.status_code == 422
    assert "API key (oauth.api.key) is missing." in answer.content.decode()
    assert "its-long-secret" not in answer.content.decode()
    assert f"{ADDRESS}/oauth/callback/" in signed_in.get(address).content.decode()


def test_page_of_re_authentication_leads_there(made: Instance, signed_in: Client) -> None:
    page = signed_in.get(reverse("instances:reauthenticate", args=[made.pk])).content.decode()
    assert reverse("instances:reconsent", args=[made.pk]) in page


def test_element_without_consent_has_no_such_page(active: Instance, signed_in: Client) -> None:
    address = reverse("instances:reconsent", args=[active.pk])
    assert signed_in.get(address).headers["Location"] == active.get_absolute_url()
    page = signed_in.get(reverse("instances:reauthenticate", args=[active.pk])).content.decode()
    assert address not in page
