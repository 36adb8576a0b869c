"""Somebody consents at a provider: the way there, the way back, and what the code is used for."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances import fence, operations, vault
from instances.cloud_elements.oauth import AddressRefusedError, Application, consent_address
from instances.engine import accounts, housekeeping
from instances.models import (
    AuditEntry,
    AuditResult,
    CancelWish,
    Consent,
    Element,
    Installation,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationSecret,
    OperationState,
    Organization,
    Role,
)
from instances.vault import Purpose
from sandbox.running import Account
from tests.ceremonies import ADDRESS, come_back, decide, leave, offer, query_of, work
from tests.workers import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
APPLICATION = {"oauth.api.key": "client-of-ours", "oauth.api.secret": "its-long-secret"}
OURS = Application("client-of-ours", "its-long-secret", "https://desk.test/oauth/callback/")
S = OperationState


def stand(instance: Instance) -> tuple[str, str, str]:
    """Return status of the instance, state and problem of its operation."""
    instance.refresh_from_db()
    operation = instance.operations.get()
    return instance.status, operation.state, operation.problem


def posts(account: Account) -> list[dict[str, Any]]:
    """Return the body of each request that asked for an instance."""
    asked = [one for one in account.ledger() if (one.method, one.path) == ("POST", "/instances")]
    return [json.loads(one.body) for one in asked]


def overdue() -> None:
    """Let the time be over in which somebody may come back."""
    Consent.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    Operation.objects.update(next_run_at=Now())


@pytest.fixture(autouse=True)
def known_address(settings: Settings) -> None:
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def asked(ask: Ask) -> Callable[..., Instance]:
    """Ask for an instance of Salesforce, and let a worker find out where to consent."""

    def request(key: str = "sfdc", authentication: str = "oauth2", **more: object) -> Instance:
        instance = ask(element_key=key, configuration=APPLICATION | more)
        work()
        return instance

    return request


@pytest.fixture
def sfdc(organization: Organization) -> None:
    offer(organization, "sfdc", "oauth2")


@pytest.fixture
def quickbooks(organization: Organization) -> None:
    offer(organization, "quickbooks", "oauth1")


@pytest.fixture
def waiting(asked: Callable[..., Instance], sfdc: None) -> Instance:
    """An instance of Salesforce that waits for its requester's consent."""
    return asked()


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


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


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
