"""Repeated failures pause an organization; a harmless question ends the pause."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from instances import vault
from instances.cloud_elements import NotSentError
from instances.engine import accounts, breaker, calls, drain, probing
from instances.engine.calls import HeldBackError
from instances.engine.claims import Claim, lease
from instances.models import (
    AuditEntry,
    BreakerState,
    Instance,
    InstanceStatus,
    Operation,
    Organization,
)
from sandbox.running import Account, Sandbox
from tests.cases import work_when_due

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def read(organization: Organization) -> Organization:
    organization.refresh_from_db()
    return organization


def over(organization: Organization) -> None:
    """The pause has passed."""
    Organization.objects.filter(pk=organization.pk).update(paused_until=Now())


@pytest.fixture
def failing(settings: Settings, ask: Ask, account: Account) -> Account:
    """A platform that answers nothing but 503, and several requests for it."""
    settings.ENGINE = {**settings.ENGINE, "BREAKER_FAILURES": 3}
    account.fault("status", times=None, path="/organizations/me", method="GET", status=503)
    for number in range(5):
        ask(name=f"Request {number}")
    return account


def test_failures_in_a_row_open_the_breaker_and_nothing_is_claimed(
    failing: Account, organization: Organization
) -> None:
    for _ in range(5):
        work_when_due(1)
    assert read(organization).breaker == BreakerState.OPEN
    assert len(failing.ledger()) == 3
    assert AuditEntry.objects.filter(action="organization.paused").count() == 1


def test_failures_spread_over_more_than_the_window_do_not_open_it(
    failing: Account, organization: Organization
) -> None:
    for _ in range(5):
        work_when_due(1)
        Organization.objects.update(failing_since=Now() - timedelta(minutes=2))
    assert read(organization).breaker == BreakerState.CLOSED


def test_an_answer_between_failures_begins_the_count_anew(
    failing: Account, organization: Organization
) -> None:
    work_when_due(1)
    work_when_due(1)
    breaker.note(read(organization), None)
    work_when_due(1)
    assert read(organization).breaker == BreakerState.CLOSED


def test_only_the_control_call_probes_and_its_answer_lets_work_go_on(
    failing: Account, organization: Organization
) -> None:
    for _ in range(3):
        work_when_due(1)
    failing.clear_faults()
    over(organization)
    seen = len(failing.ledger())
    probing.run()
    probes = [(entry.method, entry.path) for entry in failing.ledger()[seen:]]
    assert probes == [("GET", "/organizations/me")]
    assert read(organization).breaker == BreakerState.CLOSED
    Operation.objects.update(next_run_at=Now())
    for _ in range(5):
        work_when_due(1)
    assert Instance.objects.filter(status=InstanceStatus.ACTIVE).count() == 5


def test_a_probe_that_fails_doubles_the_pause(failing: Account, organization: Organization) -> None:
    for _ in range(3):
        work_when_due(1)
    assert read(organization).pause_seconds == 30
    over(organization)
    probing.run()
    assert read(organization).breaker == BreakerState.OPEN
    assert organization.pause_seconds == 60
    assert organization.paused_until
    assert organization.paused_until > timezone.now() + timedelta(seconds=40)


def test_one_worker_probes_while_another_waits(
    failing: Account, organization: Organization
) -> None:
    for _ in range(3):
        work_when_due(1)
    over(organization)
    first, second = breaker.due_probes(), breaker.due_probes()
    assert (first, second) == ([organization], [])


def test_a_probe_that_is_refused_says_whose_secrets_were(
    failing: Account, organization: Organization
) -> None:
    for _ in range(3):
        work_when_due(1)
    failing.clear_faults()
    failing.fault("refuse secrets", times=None)
    over(organization)
    probing.run()
    assert read(organization).is_refused
    assert organization.breaker == BreakerState.CLOSED


def test_retry_after_holds_every_call_of_the_organization_back(
    ask: Ask, account: Account, organization: Organization
) -> None:
    account.fault("throttle", retry_after="30")
    ask(name="first")
    ask(name="second")
    work_when_due(1)
    work_when_due(1)
    assert len([entry for entry in account.ledger() if entry.method == "POST"]) == 1
    left = read(organization).paused_until
    assert left
    assert 20 < (left - timezone.now()).total_seconds() <= 30


def test_a_shorter_wait_does_not_cut_a_longer_one_short(organization: Organization) -> None:
    breaker.pause(organization, 60)
    breaker.pause(organization, 1)
    left = read(organization).paused_until
    assert left
    assert (left - timezone.now()).total_seconds() > 50


@pytest.mark.parametrize(("minutes", "most"), [(0.5, 1), (1.5, 2), (3.5, 8), (60, 16)])
def test_calls_grow_from_one_after_a_pause(
    organization: Organization, minutes: float, most: int
) -> None:
    organization.resumed_at = timezone.now() - timedelta(minutes=minutes)
    assert organization.most_calls(16, ramp_seconds=60) == most


def test_an_unreachable_platform_counts_as_failing(organization: Organization) -> None:
    for count in range(1, 3):
        breaker.note(organization, NotSentError("connect-refused"))
        assert read(organization).failures == count


def test_a_refusal_by_our_own_rules_does_not_count(organization: Organization) -> None:
    breaker.note(organization, NotSentError("policy"))
    assert read(organization).failures == 0


def test_a_look_under_way_stops_before_its_next_call_and_loses_nothing(
    ask: Ask, account: Account, organization: Organization
) -> None:
    account.fault("commit then drop")
    instance = ask()
    work_when_due(1)
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    seen = len(account.ledger())
    Organization.objects.update(breaker="open", paused_until=Now())
    drain.work_on(operation)
    assert len(account.ledger()) == seen
    breaker.close(read(organization))
    work_when_due(1)
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.ACTIVE


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"secrets_refused_at": timezone.now()}, InstanceStatus.BLOCKED),
        ({"breaker": "open", "paused_until": timezone.now()}, InstanceStatus.QUEUED),
    ],
)
def test_whose_credentials_were_refused_is_not_asked_while_calls_are_held_back(
    ask: Ask, account: Account, change: dict[str, object], status: InstanceStatus
) -> None:
    instance = ask()
    Operation.objects.update(lease_epoch=1)
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    operation.attempts.create(
        number=1,
        epoch=2,
        origin="x",
        secrets_version=1,
        deadline_at=timezone.now(),
        outcome="rejected",
        http_status=401,
    )
    Organization.objects.update(**change)
    drain.work_on(operation)
    instance.refresh_from_db()
    assert instance.status == status
    assert account.ledger() == []


def test_what_was_claimed_before_the_platform_asked_to_wait_waits_too(
    ask: Ask, organization: Organization
) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    breaker.pause(organization, 60)
    with pytest.raises(HeldBackError):
        Claim(operation, operation.lease_epoch).open_attempt("127.0.0.1")


@pytest.mark.parametrize(("seconds_ago", "may_leave"), [(0.0, True), (1.0, False)])
def test_a_request_whose_record_took_long_asks_again_whether_calls_go_out(
    seconds_ago: float, may_leave: bool
) -> None:
    with calls.one_of_many(True, may_call=lambda: False):
        assert calls.take_place(asked_at=time.monotonic() - seconds_ago) is may_leave


def test_a_question_that_was_long_on_its_way_asks_again_before_its_first_byte(
    account: Account, organization: Organization
) -> None:
    answers = [False, True]

    def slowly() -> bool:
        time.sleep(1.2 * calls.STALE_SECONDS if len(answers) == 2 else 0)
        return answers.pop()

    during = partial(calls.one_of_many, may_call=slowly)
    with pytest.raises(HeldBackError):
        accounts.client_for(organization, during=during).identify()
    assert (answers, account.ledger()) == ([], [])


def test_a_probe_that_is_asked_to_wait_waits_as_long(
    account: Account, organization: Organization
) -> None:
    Organization.objects.update(breaker="open", paused_until=Now(), pause_seconds=30)
    account.fault("throttle", method="GET", path="/organizations/me", retry_after="600")
    probing.run()
    left = read(organization).paused_until
    assert left
    assert (left - timezone.now()).total_seconds() > 590


def test_a_breaker_that_opens_keeps_the_wait_that_the_platform_asked_for(
    organization: Organization, settings: Settings
) -> None:
    breaker.pause(organization, 600)
    for _ in range(settings.ENGINE["BREAKER_FAILURES"]):
        breaker.note(organization, NotSentError("connect-refused"))
    left = read(organization).paused_until
    assert organization.breaker == BreakerState.OPEN
    assert left
    assert (left - timezone.now()).total_seconds() > 590


def test_a_platform_that_hangs_does_not_keep_another_organization_paused(
    account: Account, organization: Organization, sandbox: Sandbox, settings: Settings
) -> None:
    settings.ENGINE = {**settings.ENGINE, "CALL_SECONDS": 2.0}
    accounts = [account, sandbox.new_account()]
    other = Organization(
        name="another", base_url=organization.base_url, secrets_set_at=timezone.now()
    )
    other.user_secret = vault.seal(other, "user_secret", accounts[1].user_secret)
    other.organization_secret = vault.seal(
        other, "organization_secret", accounts[1].organization_secret
    )
    other.save(force_insert=True)
    Organization.objects.update(breaker="open", paused_until=Now())
    for each in accounts:
        each.fault("latency", seconds=10, method="GET", path="/organizations/me")
    probing.run()
    first, second = [each.ledger()[0].time for each in accounts]
    assert abs(second - first) < 1
