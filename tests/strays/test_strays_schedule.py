"""When an account is searched, by whom, and how often."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from instances import operations
from instances.access import NotAllowedError
from instances.cloud_elements import FoundInstance
from instances.engine import accounts, searching, strays
from instances.models import (
    AuditEntry,
    BreakerState,
    Finding,
    Operation,
    OperationState,
    Organization,
    Role,
)
from sandbox.running import Account
from tests.states import put_in_state
from tests.strays.steps import DAY, Ask, due, foreign_tag, is_about, plant, search_all, work

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_search_comes_due_again_after_a_day(organization: Organization) -> None:
    search_all()
    assert is_about(due(organization), DAY)


@pytest.mark.parametrize(
    ("hours_since_doubt", "hours_left"), [(0, 1), (1.01, 4.99), (7, 17), (25, 24), (7 * 24 - 5, 5)]
)
def test_after_a_doubt_it_comes_due_earlier(
    organization: Organization, hours_since_doubt: float, hours_left: float
) -> None:
    doubted = timezone.now() - timedelta(hours=hours_since_doubt)
    Organization.objects.update(doubted_at=doubted)
    search_all()
    assert is_about(due(organization), timedelta(hours=hours_left))


def test_an_unknown_outcome_is_a_doubt(
    ask: Ask, account: Account, organization: Organization
) -> None:
    account.fault("drop before commit")
    ask()
    work()
    assert is_about(due(organization), timedelta(hours=1))
    assert organization.doubted_at is not None


def test_a_lost_worker_is_a_doubt(ask: Ask, organization: Organization) -> None:
    put_in_state(ask(), OperationState.SENDING)
    work()
    assert is_about(due(organization), timedelta(hours=1))
    assert organization.doubted_at is not None


def test_a_doubt_does_not_put_off_a_search(organization: Organization) -> None:
    Organization.objects.update(audit_due_at=Now() + timedelta(minutes=5))
    searching.doubt(organization)
    assert is_about(due(organization), timedelta(minutes=5))


def test_a_failed_search_is_repeated_after_growing_pauses(
    organization: Organization, account: Account, settings: Settings
) -> None:
    settings.ENGINE = {**settings.ENGINE, "BREAKER_FAILURES": 100}
    account.fault("list 404 html", times=None)
    pauses = []
    for _ in range(9):
        search_all()
        pauses.append(round((due(organization) - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert organization.audited_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"secrets_refused_at": timezone.now()},
        {"breaker": BreakerState.OPEN, "paused_until": timezone.now()},
        {"paused_until": timezone.now() + DAY},
    ],
)
def test_nothing_is_asked_for_an_organization_that_is_held_back(
    organization: Organization, account: Account, change: dict[str, object]
) -> None:
    Organization.objects.update(**change)
    search_all()
    assert account.ledger() == []


def test_refused_secrets_stop_the_search_and_everything_else(
    organization: Organization, account: Account
) -> None:
    account.fault("refuse secrets", times=None)
    search_all()
    organization.refresh_from_db()
    assert organization.is_refused
    assert len(account.ledger()) == 1


def test_two_workers_search_an_account_once(organization: Organization, account: Account) -> None:
    Organization.objects.update(audit_due_at=Now())
    first = searching._claim(organization)
    assert first is not None
    assert searching._claim(organization) is None
    searching.run()
    assert account.ledger() == []


def test_a_person_may_ask_for_a_search_while_one_is_under_way(
    organization: Organization, member: Callable[..., User]
) -> None:
    Organization.objects.update(audit_due_at=Now())
    search = searching._claim(organization)
    assert search is not None
    operations.request_audit(actor=member(Role.ADMIN), organization=organization)
    search.renew()
    search.finish()
    assert due(organization) <= timezone.now()
    assert AuditEntry.objects.filter(action="organization.audit_requested").count() == 1


def test_only_an_admin_may_ask_for_a_search(organization: Organization, operator: User) -> None:
    before = due(organization)
    with pytest.raises(NotAllowedError):
        operations.request_audit(actor=operator, organization=organization)
    assert due(organization) == before


def test_a_search_runs_beside_the_sweep(organization: Organization, account: Account) -> None:
    plant(account, foreign_tag())
    assert searching.start() is None
    Organization.objects.update(audit_due_at=Now())
    account.fault("latency", path="/organizations/me", method="GET", seconds=0.5)
    under_way = searching.start()
    assert under_way is not None
    assert not under_way.done()
    assert searching.start() is None
    under_way.result(timeout=10)
    assert Finding.objects.count() == 1


def test_a_stopped_worker_gives_the_search_back(
    organization: Organization, account: Account
) -> None:
    Organization.objects.update(audit_due_at=Now())
    search = searching._claim(organization)
    assert search is not None
    searching.stop()
    try:
        searching._carry_out(search)
        assert searching.start() is None
    finally:
        searching._stopping.clear()
    assert account.ledger() == []
    assert due(organization) <= timezone.now()


def test_an_organization_that_shares_the_account_leaves_it_to_the_other(
    settled: Operation, organization: Organization
) -> None:
    other = Organization(name="other", base_url=organization.base_url)
    found = FoundInstance(1, None, "n", "zuorav2", (settled.tag,), None)
    assert not strays._is_late(other, found, settled)
    assert strays._is_late(organization, found, settled)


def test_the_account_is_learned_before_anything_is_compared(
    settled: Operation, organization: Organization
) -> None:
    Organization.objects.update(account="")
    organization.refresh_from_db()
    client = accounts.client_for(organization)
    strays.search(organization, client, since=timezone.now() - DAY, before_call=lambda: None)
    assert organization.account.startswith(organization.origin)
    assert not Finding.objects.exists()
