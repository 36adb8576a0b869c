"""Somebody consents at a provider: the way there, and what the code is used for."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from instances import operations, vault
from instances.models import (
    Consent,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
    Organization,
)
from sandbox.running import Account
from tests.ceremonies import ADDRESS, come_back, decide, leave, offer, query_of, work
from tests.consents.steps import APPLICATION, Ask, S, posts, stand

pytestmark = pytest.mark.django_db(transaction=True)


def test_consent_makes_the_instance(waiting: Instance, signed_in: Client, account: Account) -> None:
    assert stand(waiting) == (InstanceStatus.BLOCKED, S.QUEUED, "")
    answer = come_back(signed_in, decide(leave(signed_in, waiting)))
    assert answer.headers["Location"] == waiting.get_absolute_url()
    assert stand(waiting) == (InstanceStatus.QUEUED, S.QUEUED, "")
    work()
    assert stand(waiting) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")
    assert waiting.remote_id == account.only_instance()["id"]


def test_oauth1_is_finished_with_token_verifier_and_secret(
    asked: Callable[..., Instance], quickbooks: None, signed_in: Client, account: Account
) -> None:
    instance = asked("quickbooks")
    come_back(signed_in, decide(leave(signed_in, instance)))
    work()
    assert stand(instance) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")
    sent = posts(account)[0]["providerData"]
    assert set(sent) == {"oauth_token", "oauth_verifier", "secret", "realmId"}


def test_oauth1_needs_no_state_of_ours(
    asked: Callable[..., Instance], quickbooks: None, signed_in: Client, account: Account
) -> None:
    account.set(oauth1_returns_state=False)
    instance = asked("quickbooks")
    address = leave(signed_in, instance)
    assert "state" not in query_of(address)
    come_back(signed_in, decide(address))
    work()
    assert stand(instance) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")


def test_state_is_added_where_the_platform_leaves_it_out(
    asked: Callable[..., Instance], sfdc: None, signed_in: Client, account: Account
) -> None:
    account.set(oauth_url_keeps_state=False)
    instance = asked()
    come_back(signed_in, decide(leave(signed_in, instance)))
    work()
    assert stand(instance) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")


def test_refresh_token_needs_no_page(
    asked: Callable[..., Instance], sfdc: None, account: Account
) -> None:
    instance = asked(**{"oauth.user.refresh_token": "refresh-me-please"})
    assert stand(instance) == (InstanceStatus.ACTIVE, S.SUCCEEDED, "")
    body = posts(account)[0]
    assert body["externalAuthentication"] == "initial"
    assert body["configuration"]["oauth.user.refresh_token"] == "refresh-me-please"
    assert "refresh-me-please" not in str(instance.configuration)
    assert not Consent.objects.exists()


def test_the_other_way_of_an_element_needs_no_page(
    asked: Callable[..., Instance], organization: Organization, account: Account
) -> None:
    offer(organization, "mailings", "oauth2")
    chosen = {"authentication.type": "apiKey", "mailings.key": "k-1234"}
    assert stand(asked("mailings", **chosen))[0] == InstanceStatus.ACTIVE
    assert "externalAuthentication" not in posts(account)[0]


def test_callback_is_ours_whatever_was_typed(
    asked: Callable[..., Instance], sfdc: None, signed_in: Client
) -> None:
    instance = asked(**{"oauth.callback.url": "https://elsewhere.test/"})
    address = leave(signed_in, instance)
    assert query_of(address)["redirect_uri"] == f"{ADDRESS}/oauth/callback/"


def test_without_an_address_of_our_own_nothing_is_asked_for(
    ask: Ask, sfdc: None, settings: Settings
) -> None:
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ""}
    with pytest.raises(operations.NoAddressError):
        ask(element_key="sfdc", configuration=APPLICATION)
    assert not Operation.objects.exists()


def test_command_says_that_the_address_is_missing(
    organization: Organization, operator: User, sfdc: None, settings: Settings, tmp_path: Path
) -> None:
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ""}
    file = tmp_path / "instance.json"
    body = {"element": {"key": "sfdc"}, "name": "Sales", "configuration": APPLICATION}
    file.write_text(json.dumps(body))
    arguments = ["--organization", organization.name, "--user", operator.username]
    with pytest.raises(CommandError, match="ELEMENTDESK_ADDRESS") as refused:
        call_command("create_instance", *arguments, "--file", str(file))
    assert refused.value.returncode == 3


def test_state_is_kept_as_a_fingerprint_only(waiting: Instance, signed_in: Client) -> None:
    address = leave(signed_in, waiting)
    state = query_of(address)["state"]
    assert len(state) == 43
    row = Consent.objects.values().get()
    assert state not in str(row)
    assert row["state_print"] == vault.fingerprint(state, "consent state")


def test_code_is_sealed_at_once_and_leaves_the_address(
    waiting: Instance, signed_in: Client, caplog: pytest.LogCaptureFixture
) -> None:
    back = decide(leave(signed_in, waiting))
    with caplog.at_level(logging.DEBUG):
        answer = come_back(signed_in, back)
    code = query_of(back)["code"]
    assert "code" not in answer.headers["Location"]
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == (
        "no-referrer",
        "no-store",
    )
    assert code not in str(Consent.objects.values().get())
    assert code not in caplog.text


def test_code_is_erased_before_its_request_leaves(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.fault("drop before commit")
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting)[:2] == (InstanceStatus.UNKNOWN, S.UNKNOWN)
    assert (Consent.objects.get().answer, Consent.objects.get().way) == ("", "")


def test_lost_answer_is_found_by_its_tag(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.fault("commit then drop")
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work(2)
    assert stand(waiting)[0] == InstanceStatus.ACTIVE
    assert len(posts(account)) == 1
    assert waiting.remote_id == account.only_instance()["id"]


def test_proven_absence_asks_for_consent_again_and_repeats_nothing(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.fault("drop before commit")
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work(6)
    assert stand(waiting) == (InstanceStatus.BLOCKED, S.QUEUED, "spent")
    assert len(posts(account)) == 1
    assert "works only once" in signed_in.get(waiting.get_absolute_url()).content.decode()
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting)[0] == InstanceStatus.ACTIVE
    codes = [body["providerData"]["code"] for body in posts(account)]
    assert len(set(codes)) == 2


def test_code_is_kept_when_the_platform_asks_to_wait(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.fault("throttle", retry_after=0)
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting)[1:] == (S.QUEUED, "throttled")
    Operation.objects.update(next_run_at=Now())
    work()
    assert stand(waiting)[0] == InstanceStatus.ACTIVE
    first, second = (body["providerData"] for body in posts(account))
    assert first == second


def test_code_that_the_provider_refuses_rejects_the_request(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    account.set(oauth_code_seconds=0.0)
    come_back(signed_in, decide(leave(signed_in, waiting)))
    work()
    assert stand(waiting) == (InstanceStatus.REJECTED, S.REJECTED, "rejected")
    assert not OperationSecret.objects.exists()
