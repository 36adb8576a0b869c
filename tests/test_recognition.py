"""Zuora credentials are known again without being kept, and the wrong switch is asked about."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from instances import operations, zuora
from instances.models import (
    AuditEntry,
    CancelWish,
    CredentialPrint,
    Environment,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
    Role,
)
from instances.vault import keyring
from sandbox.running import Account
from tests.cases import absent_twice, the_operation, work
from tests.conftest import RING
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]
LOGIN = {"username": "somebody@zuora.example", "password": "planted-password"}
CLIENT = {"authentication.type": "custom", "clientId": "id", "clientSecret": "planted-secret"}


def entries(*, sandbox: bool, **other: str) -> dict[str, str | bool]:
    return {"zuorav2.sandbox": sandbox, **(other or LOGIN)}


@pytest.fixture
def production(ask: Ask) -> Instance:
    """An active instance that signs in to production."""
    return known(ask, sandbox=False)


def known(ask: Ask, *, sandbox: bool, **other: str) -> Instance:
    instance = ask(name="Live billing", configuration=entries(sandbox=sandbox, **other))
    put_in_state(instance, OperationState.SUCCEEDED)
    return instance


@pytest.mark.parametrize("login", [LOGIN, CLIENT], ids=["basic", "custom"])
@pytest.mark.parametrize("is_sandbox", [True, False])
def test_credentials_of_the_other_environment_are_known_again(
    ask: Ask, login: dict[str, str], is_sandbox: bool
) -> None:
    instance = known(ask, sandbox=is_sandbox, **login)
    other = entries(sandbox=not is_sandbox, **login)
    with pytest.raises(operations.OtherEnvironmentError) as caught:
        ask(configuration=other, heeds_environment=True)
    assert caught.value.instance == instance
    assert caught.value.environment == zuora.environment(entries(sandbox=is_sandbox))
    assert Operation.objects.count() == 1


def test_known_credentials_are_taken_in_their_own_environment(
    ask: Ask, production: Instance
) -> None:
    assert ask(configuration=entries(sandbox=False), heeds_environment=True) != production


@pytest.mark.parametrize("changed", [{"password": "another-one"}, {"username": "nobody"}])
def test_only_the_whole_pair_is_known(
    ask: Ask, production: Instance, changed: dict[str, str]
) -> None:
    typed = entries(sandbox=True, **(LOGIN | changed))
    assert ask(configuration=typed, heeds_environment=True) != production


def test_what_is_known_in_both_environments_is_not_asked_about(
    ask: Ask, production: Instance
) -> None:
    known(ask, sandbox=True)
    assert ask(configuration=entries(sandbox=True), heeds_environment=True) != production


def test_form_that_was_sent_before_leads_to_its_instance(ask: Ask, production: Instance) -> None:
    twice = {"configuration": entries(sandbox=True), "client_request_id": uuid.uuid4()}
    first = ask(**twice)
    assert ask(**twice, heeds_environment=True) == first


def test_refused_credentials_are_not_known(ask: Ask) -> None:
    instance = ask(configuration=entries(sandbox=False))
    put_in_state(instance, OperationState.REJECTED)
    assert ask(configuration=entries(sandbox=True), heeds_environment=True) != instance


@pytest.mark.parametrize("now", [{"is_valid": False}, {"status": InstanceStatus.DELETED}])
def test_what_signs_in_no_more_is_not_known(
    ask: Ask, production: Instance, now: dict[str, Any]
) -> None:
    Instance.objects.filter(pk=production.pk).update(**now)
    assert ask(configuration=entries(sandbox=True), heeds_environment=True) != production


def test_nobody_learns_of_other_organizations(
    ask: Ask, production: Instance, make_user: Callable[..., User]
) -> None:
    elsewhere = Organization.objects.get(pk=production.organization_id)
    elsewhere.pk, elsewhere.name = uuid.uuid4(), "Elsewhere"
    elsewhere.save(force_insert=True)
    stranger = make_user("stranger")
    elsewhere.memberships.create(user=stranger, role=Role.OPERATOR)
    asked = {"requester": stranger, "organization": elsewhere}
    made = ask(configuration=entries(sandbox=True), heeds_environment=True, **asked)
    assert made.organization == elsewhere


def test_recognition_is_recorded(ask: Ask, production: Instance, operator: User) -> None:
    with pytest.raises(operations.OtherEnvironmentError):
        ask(configuration=entries(sandbox=True), heeds_environment=True)
    entry = AuditEntry.objects.get(action="credentials.recognized")
    assert (entry.actor, entry.detail) == (operator, {"asked_for": "sandbox"})


def test_fingerprint_is_keyed_and_tells_no_value(
    ask: Ask, production: Instance, settings: Settings
) -> None:
    kept = CredentialPrint.objects.get().fingerprint
    assert len(kept) == 64
    other_ring = json.loads(RING) | {"primary": "t2"}
    other_ring["keys"] |= {"t2": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="}
    settings.VAULT = {"KEYRING": json.dumps(other_ring), "KEYRING_FILE": ""}
    keyring.ring.cache_clear()
    with pytest.raises(operations.OtherEnvironmentError):
        ask(configuration=entries(sandbox=True), heeds_environment=True)
    ask(configuration=entries(sandbox=False))
    assert CredentialPrint.objects.exclude(fingerprint=kept).count() == 1


def test_other_elements_leave_no_fingerprint(ask: Ask) -> None:
    ask(element_key="jira", configuration={"username": "u", "password": "p"})
    assert not CredentialPrint.objects.exists()


def test_new_credentials_are_known_too(ask: Ask, operator: User) -> None:
    instance = known(ask, sandbox=True)
    changed = entries(sandbox=False, username="new@zuora.example", password="new-one")
    wish = operations.request_instance_reauthentication(
        requester=operator, instance=instance, configuration=changed
    )
    Operation.objects.filter(pk=wish.pk).update(
        state=OperationState.SUCCEEDED, finished_at=instance.created_at
    )
    with pytest.raises(operations.OtherEnvironmentError) as caught:
        ask(configuration={**changed, "zuorav2.sandbox": True}, heeds_environment=True)
    assert caught.value.environment == Environment.PRODUCTION


def test_reauthenticating_asks_too(signed_in: Client, ask: Ask, production: Instance) -> None:
    url = reverse("instances:reauthenticate", args=[production.pk])
    typed = {f"entry.{key}": value for key, value in LOGIN.items()}
    typed |= {"entry.zuorav2.sandbox": "on", "entry.authentication.type": "basic"}
    answer = signed_in.post(url, typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "signs in to Zuora&#x27;s production with exactly these credentials" in page
    assert "planted-password" not in page
    assert "is saved" not in page
    assert signed_in.post(url, typed | {"confirms_environment": "on"}).status_code == 302


def test_rotating_asks_too(signed_in: Client, ask: Ask, production: Instance) -> None:
    old = known(ask, sandbox=True, username="test@zuora.example", password="another")
    url = reverse("instances:rotate", args=[old.pk])
    typed = {**LOGIN, "authentication_type": "basic", "name": "Twin", "days": "1"}
    typed |= {"client_request_id": str(uuid.uuid4())}
    assert "confirms_environment" not in signed_in.get(url).content.decode()
    answer = signed_in.post(url, typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "the new one connects to the sandbox, like the old one" in page
    assert "Send it all the same" in page
    assert "planted-password" not in page
    assert not Operation.objects.filter(instance__name="Twin").exists()
    assert AuditEntry.objects.filter(action="credentials.recognized").count() == 1
    assert signed_in.post(url, typed | {"confirms_environment": "on"}).status_code == 302
    assert Operation.objects.filter(instance__name="Twin").exists()


def test_form_asks_beside_the_switch_and_obeys(
    signed_in: Client, organization: Organization, production: Instance
) -> None:
    typed = {
        **LOGIN,
        "organization": str(organization.pk),
        "name": "Test",
        "is_sandbox": "on",
        "authentication_type": "basic",
        "client_request_id": str(uuid.uuid4()),
    }
    assert "confirms_environment" not in signed_in.get(reverse("instances:new")).content.decode()
    answer = signed_in.post(reverse("instances:new"), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“Live billing” signs in to Zuora&#x27;s production" in page
    assert "Turn it off if production is meant" in page
    assert "planted-password" not in page
    assert not Operation.objects.filter(instance__name="Test").exists()
    sent = signed_in.post(reverse("instances:new"), typed | {"confirms_environment": "on"})
    assert sent.status_code == 302


def prints() -> set[object]:
    """Return the operations whose credentials are known again."""
    return set(CredentialPrint.objects.values_list("operation", flat=True))


@pytest.mark.django_db(transaction=True)
def test_refused_request_leaves_no_fingerprint(ask: Ask, account: Account) -> None:
    refused = ask(configuration=entries(sandbox=True))
    made = ask()
    assert len(prints()) == 2
    work()
    assert read_status(refused) == InstanceStatus.REJECTED
    assert prints() == {the_operation(made).pk}


def test_request_that_is_taken_back_leaves_no_fingerprint(ask: Ask, operator: User) -> None:
    instance = ask()
    operations.request_cancel(actor=operator, instance=instance, wish=CancelWish.KEEP)
    assert read_status(instance) == InstanceStatus.CANCELED
    assert not prints()


@pytest.mark.django_db(transaction=True)
def test_request_that_a_person_gives_up_leaves_no_fingerprint(
    ask: Ask, account: Account, operator: User
) -> None:
    stopped = absent_twice(ask, account)
    assert prints() == {stopped.pk}
    operations.decide(actor=operator, operation=stopped, choice=operations.Choice.MARK, reason="-")
    assert not prints()


@pytest.mark.django_db(transaction=True)
def test_refused_change_leaves_only_the_fingerprint_of_before(
    ask: Ask, account: Account, operator: User
) -> None:
    instance = ask()
    work()
    made = the_operation(instance)
    operations.request_instance_reauthentication(
        requester=operator,
        instance=Instance.objects.get(pk=instance.pk),
        configuration={"username": "somebody", "password": "not-the-password"},
    )
    work()
    assert the_operation(instance).state == OperationState.REJECTED
    assert prints() == {made.pk}


def read_status(instance: Instance) -> str:
    return Instance.objects.get(pk=instance.pk).status
