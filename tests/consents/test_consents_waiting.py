"""A request waits for consent, and not for ever."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances import fence, operations
from instances.cloud_elements.oauth import AddressRefusedError, consent_address
from instances.engine import accounts, housekeeping
from instances.models import (
    AuditEntry,
    CancelWish,
    Consent,
    Element,
    Installation,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationSecret,
    Organization,
    Role,
)
from sandbox.running import Account
from tests.ceremonies import ADDRESS, come_back, decide, leave, offer, query_of, work
from tests.consents.steps import APPLICATION, OURS, Ask, S, overdue, posts, stand

pytestmark = pytest.mark.django_db(transaction=True)


def test_return_after_its_time_is_too_late(
    waiting: Instance, signed_in: Client, account: Account
) -> None:
    back = decide(leave(signed_in, waiting))
    overdue()
    come_back(signed_in, back)
    assert "too late" in signed_in.get(waiting.get_absolute_url()).content.decode()
    work()
    assert stand(waiting) == (InstanceStatus.CANCELED, S.CANCELED, "abandoned")
    assert posts(account) == []


def test_request_that_nobody_returns_from_ends_by_itself(
    waiting: Instance, signed_in: Client
) -> None:
    leave(signed_in, waiting)
    work()
    assert stand(waiting)[0] == InstanceStatus.BLOCKED
    overdue()
    work()
    assert stand(waiting) == (InstanceStatus.CANCELED, S.CANCELED, "abandoned")
    assert (Consent.objects.get().way, OperationSecret.objects.count()) == ("", 0)
    assert AuditEntry.objects.filter(action="instance.canceled").exists()
    assert "Nobody came back from" in signed_in.get(waiting.get_absolute_url()).content.decode()


def test_worker_that_comes_early_lets_the_person_have_the_time(
    waiting: Instance, signed_in: Client
) -> None:
    Operation.objects.update(next_run_at=Now())
    work()
    assert stand(waiting) == (InstanceStatus.BLOCKED, S.QUEUED, "")
    assert Operation.objects.get().next_run_at > timezone.now() + timedelta(minutes=20)
    come_back(signed_in, decide(leave(signed_in, waiting)))
    assert stand(waiting)[0] == InstanceStatus.QUEUED


def test_waiting_request_can_be_taken_back(
    waiting: Instance, signed_in: Client, operator: User
) -> None:
    back = decide(leave(signed_in, waiting))
    assert operations.request_cancel(actor=operator, instance=waiting, wish=CancelWish.KEEP)
    assert Consent.objects.get().way == ""
    come_back(signed_in, back)
    assert stand(waiting)[:2] == (InstanceStatus.CANCELED, S.CANCELED)
    assert Consent.objects.get().answer == ""


def test_right_that_is_lost_meanwhile_counts(
    waiting: Instance, signed_in: Client, operator: User, account: Account
) -> None:
    come_back(signed_in, decide(leave(signed_in, waiting)))
    Membership.objects.filter(user=operator).update(role=Role.VIEWER)
    work()
    assert stand(waiting) == (InstanceStatus.CANCELED, S.CANCELED, "permission")
    assert posts(account) == []
    assert Consent.objects.get().answer == ""


def test_only_who_asked_is_led_to_the_provider(
    waiting: Instance, member: Callable[..., User], operator: User
) -> None:
    other = Client()
    other.force_login(member(Role.ADMIN))
    answer = other.get(reverse("instances:consent", args=[waiting.pk]))
    assert answer.headers["Location"] == waiting.get_absolute_url()
    page = other.get(waiting.get_absolute_url()).content.decode()
    assert f"Waiting for <bdi>{operator.get_username()}</bdi>" in page
    assert "Continue at" not in page


def test_page_shows_where_it_leads_and_no_state(waiting: Instance, signed_in: Client) -> None:
    address = leave(signed_in, waiting)
    page = signed_in.get(waiting.get_absolute_url()).content.decode()
    assert Consent.objects.get().host in page
    assert reverse("instances:consent", args=[waiting.pk]) in page
    assert query_of(address)["state"] not in page


def test_refusal_to_tell_the_way_rejects_the_request(
    ask: Ask, sfdc: None, account: Account
) -> None:
    # A catalog read long ago may not know what is required now.
    Element.objects.update(settings=[])
    instance = ask(element_key="sfdc", configuration={"oauth.api.key": "k"})
    work()
    assert stand(instance) == (InstanceStatus.REJECTED, S.REJECTED, "consent")
    assert "apiSecret" in instance.operations.get().message


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,hello",
        "//provider.test/authorize",
        "/authorize",
        "https://somebody@provider.test/",
        "https://provider.test\\@elsewhere.test/",
        "https://provider.test/ authorize",
        "https://provider.test:99999/",
        "https://[::1/",
        "https://-provider.test/",
        "https://provider.test/" + "a" * 9000,
        "https://provider.test/?state=another",
        "https://provider.test/?shown=its-long-secret",
        "https://provider.test/?shown=aXRzLWxvbmctc2VjcmV0",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_safe(
    ask: Ask, sfdc: None, account: Account, signed_in: Client, address: str
) -> None:
    account.set(oauth_address=address)
    instance = ask(element_key="sfdc", configuration=APPLICATION)
    work()
    assert stand(instance) == (InstanceStatus.REJECTED, S.REJECTED, "consent")
    assert Consent.objects.get().way == ""


def test_page_of_a_provider_is_at_https(organization: Organization, account: Account) -> None:
    account.set(oauth_address="http://provider.test/authorize")
    client = accounts.client_for(organization)
    with pytest.raises(AddressRefusedError, match="https"):
        consent_address(client, "sfdc", OURS, state="s", allows_http=False)
    account.set(oauth_address="https://provider.test/authorize?a=1")
    address = consent_address(client, "sfdc", OURS, state="s", allows_http=False)
    assert address == "https://provider.test/authorize?a=1&state=s"


def test_platform_that_is_away_is_asked_later(
    ask: Ask, sfdc: None, account: Account, signed_in: Client
) -> None:
    account.fault("status", path="/elements/sfdc/oauth/url", status=502)
    instance = ask(element_key="sfdc", configuration=APPLICATION)
    work()
    assert stand(instance)[:2] == (InstanceStatus.QUEUED, S.QUEUED)
    assert "we are retrying" in signed_in.get(instance.get_absolute_url()).content.decode()
    Operation.objects.update(next_run_at=Now())
    work()
    assert stand(instance)[0] == InstanceStatus.BLOCKED


def test_what_an_ended_request_left_is_erased(waiting: Instance) -> None:
    Operation.objects.update(state=S.REJECTED, finished_at=Now(), lease_until=None)
    assert Consent.objects.get().way != ""
    housekeeping.run()
    assert Consent.objects.get().way == ""


def test_database_takes_nothing_in_clear() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(protocol="oauth2", way="in clear")


@pytest.mark.parametrize(
    ("address", "is_told"),
    [
        ("", False),
        ("https://desk.test", False),
        ("https://desk.test:8443/", False),
        ("http://desk.test", True),
        ("desk.test", True),
        ("https://desk.test/below", True),
        ("https://desk.test?x=1", True),
    ],
)
def test_own_address_is_checked(settings: Settings, address: str, is_told: bool) -> None:
    settings.DEBUG = False
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": address}
    assert ("elementdesk.E007" in {each.id for each in run_checks()}) == is_told


def test_element_page_shows_what_to_register(
    organization: Organization, signed_in: Client, settings: Settings
) -> None:
    element = offer(organization, "sfdc", "oauth2")
    assert (
        f"{ADDRESS}/oauth/callback/" in signed_in.get(element.get_absolute_url()).content.decode()
    )
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ""}
    page = signed_in.get(element.get_absolute_url()).content.decode()
    assert "ELEMENTDESK_ADDRESS" in page
    other = offer(organization, "jira", "basic")
    assert "ELEMENTDESK_ADDRESS" not in signed_in.get(other.get_absolute_url()).content.decode()


def test_nothing_is_taken_on_a_restored_database(waiting: Instance, signed_in: Client) -> None:
    back = decide(leave(signed_in, waiting))
    fence.keep()
    Installation.objects.update(mark=0)
    fence._kept_at.clear()
    assert come_back(signed_in, back).status_code == 503
    assert Consent.objects.get().returned_at is None
