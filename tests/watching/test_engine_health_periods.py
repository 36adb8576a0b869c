"""When instances are looked at, and what is kept of it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from instances import operations
from instances.engine import counting, diagnosis, health
from instances.models import (
    Health,
    HealthCheck,
    HealthCount,
    HealthDay,
    HealthState,
    Instance,
    InstanceStatus,
)
from sandbox.running import Account
from tests.cases import work
from tests.watching.steps import Ask, ask_for_test, check, outcome

pytestmark = pytest.mark.django_db(transaction=True)


def test_many_at_once_are_spread_over_the_period(
    ask: Ask, active: Instance, settings: Settings
) -> None:
    many = 500
    Instance.objects.bulk_create(
        Instance(
            organization=active.organization,
            owner=active.owner,
            name=f"Adopted {number}",
            element_key="zuorav2",
            status=InstanceStatus.ACTIVE,
            account="a",
            remote_id=number + 1,
            token=active.token,
        )
        for number in range(many)
    )
    health.enroll()
    health.enroll()
    assert Health.objects.count() == many + 1
    soon = Health.objects.filter(due_at__lt=timezone.now() + timedelta(hours=12)).count()
    assert 200 < soon < 300


def test_without_a_period_only_who_asks_gets_a_check(
    ask: Ask, account: Account, settings: Settings
) -> None:
    settings.HEALTH = {**settings.HEALTH, "EVERY": 0.0}
    instance = ask()
    work()
    health.enroll()
    assert Health.objects.get().due_at is None
    instance.refresh_from_db()
    assert ask_for_test(instance).due_at is None
    settings.HEALTH = {**settings.HEALTH, "EVERY": 60.0}
    health.enroll()
    assert Health.objects.get().due_at


def test_old_rows_are_forgotten_and_young_ones_kept(made: Instance) -> None:
    check(made, times=2)
    old = HealthCheck.objects.order_by("pk")[0]
    HealthCheck.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=31))
    HealthDay.objects.create(instance=made, day="2020-01-01", state=HealthState.HEALTHY)
    diagnosis.forget()
    assert HealthCheck.objects.count() == 1
    assert HealthDay.objects.count() == 1


def test_counts_are_of_active_instances_by_state(made: Instance, account: Account) -> None:
    counting.run()
    row = HealthCount.objects.get()
    assert (row.unknown, row.healthy) == (1, 0)
    check(made)
    HealthCount.objects.update(due_at=Now())
    counting.run()
    row.refresh_from_db()
    assert (row.unknown, row.healthy) == (0, 1)
    Instance.objects.update(status=InstanceStatus.DELETED)
    HealthCount.objects.update(due_at=Now())
    counting.run()
    row.refresh_from_db()
    assert row.healthy == 0


def test_what_was_not_looked_at_for_long_is_counted_as_unknown(made: Instance) -> None:
    check(made)
    Health.objects.update(checked_at=timezone.now() - timedelta(days=4))
    counting.run()
    row = HealthCount.objects.get()
    assert (row.unknown, row.healthy) == (1, 0)


def test_nothing_is_counted_twice_within_a_minute(made: Instance) -> None:
    counting.run()
    before = HealthCount.objects.get().counted_at
    counting.run()
    assert HealthCount.objects.get().counted_at == before


def test_no_token_in_what_is_kept(made: Instance, account: Account) -> None:
    token = account.only_instance()["token"]
    account.change_instance(account.only_instance()["id"], provider_status=401)
    ask_for_test(made)
    kept = [str(row.__dict__) for row in HealthCheck.objects.all()]
    assert not any(token in row for row in kept)


def test_what_was_changed_here_is_looked_at_at_once_and_believed(
    made: Instance, account: Account
) -> None:
    check(made)
    operations.request_instance_switch(
        requester=made.owner, instance=made, is_to_be_disabled=True, reason="The contract ended."
    )
    work(2)
    changed = Health.objects.get()
    assert outcome(changed) == (HealthState.UNKNOWN, "changed")
    health.run(made.organization)
    assert outcome(Health.objects.get()) == (HealthState.DISABLED, "")
