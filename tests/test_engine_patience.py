"""A platform that makes us wait is waited for, each time longer, and at last a person is asked."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from instances.engine import drain
from instances.models import (
    Instance,
    InstanceStatus,
    Operation,
)
from sandbox.running import Account
from tests.cases import claimed, work_when_due

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def test_a_request_that_is_throttled_again_and_again_is_not_given_up(
    ask: Ask, account: Account
) -> None:
    account.fault("throttle", times=8, retry_after=0)
    instance = ask()
    for _ in range(12):
        work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.ACTIVE


def test_a_day_without_proof_takes_a_person(ask: Ask, account: Account) -> None:
    account.fault("drop before commit")
    account.fault("list 404 html", times=None)
    instance = ask()
    work_when_due()
    Operation.objects.get().attempts.update(ended_at=Now() - timedelta(days=2))
    work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.NEEDS_PERSON
    assert sum(entry.method == "POST" for entry in account.ledger()) == 1


def test_a_request_that_is_throttled_for_a_day_takes_a_person(ask: Ask, account: Account) -> None:
    account.fault("throttle", times=None, retry_after=0)
    instance = ask()
    work_when_due()
    Operation.objects.get().attempts.update(started_at=Now() - timedelta(days=2))
    work_when_due()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.NEEDS_PERSON


def test_a_throttled_request_waits_longer_each_time(
    ask: Ask, account: Account, settings: Settings
) -> None:
    account.fault("throttle", times=None, retry_after=0)
    settings.ENGINE = {**settings.ENGINE, "LOOK_PAUSES": [0.0, 300.0]}
    ask()
    work_when_due()
    work_when_due()
    left = Operation.objects.get().next_run_at - timezone.now()
    assert left > timedelta(seconds=250)


@pytest.mark.parametrize("filters", [True, False])
def test_a_look_through_a_large_account_keeps_its_lease(
    ask: Ask, account: Account, settings: Settings, filters: bool
) -> None:
    settings.ENGINE = {**settings.ENGINE, "LEASE_SECONDS": 1.0}
    account.fault("drop before commit")
    ask()
    work_when_due()
    for number in range(6):
        account.add_instance(element="zuorav2", name=f"somebody's {number}")
    account.set(page_size=1, page_size_maximum=1)
    if not filters:
        account.fault("list ignores filter", times=None)
    account.fault("latency", times=None, seconds=0.3, method="GET", path="/instances")
    (operation,) = claimed()
    look = threading.Thread(target=drain.work_on, args=[operation])
    look.start()
    taken: list[Operation] = []
    while look.is_alive():
        taken += claimed()
        look.join(0.1)
    assert taken == []
    assert Operation.objects.get().clean_misses == 1
