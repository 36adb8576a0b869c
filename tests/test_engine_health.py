"""Instances are looked at: what is asked, what is believed, what it costs, and who is told to act."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from instances import operations, vault
from instances.engine import accounts, counting, diagnosis, health
from instances.models import (
    AuditEntry,
    BreakerState,
    CheckMethod,
    Health,
    HealthCheck,
    HealthCount,
    HealthDay,
    HealthState,
    Instance,
    InstanceStatus,
    Membership,
    Organization,
)
from sandbox.running import Account
from tests.cases import work

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


@pytest.fixture
def made(ask: Ask, account: Account) -> Instance:
    """An instance that was made on the platform, and is watched."""
    instance = ask()
    work()
    health.enroll()
    instance.refresh_from_db()
    return instance


def check(instance: Instance, times: int = 1) -> Health:
    """Look at it now, once or several times."""
    for _ in range(times):
        Health.objects.update(due_at=Now())
        health.run(Organization.objects.get(pk=instance.organization_id))
    return Health.objects.get(pk=instance.pk)


def ask_for_test(instance: Instance) -> Health:
    operations.request_test(actor=instance.owner, instance=instance)
    health.run(instance.organization)
    return Health.objects.get(pk=instance.pk)


def asked(account: Account, after: int = 0) -> list[str]:
    """What the platform was asked, without the account's own prefix."""
    lines = [f"{entry.method} {entry.path}" for entry in account.ledger()[after:]]
    return [line.replace("/elements/api-v2", "") for line in lines]


def outcome(row: Health) -> tuple[str, str]:
    return row.state, row.problem


def test_a_new_instance_is_watched_within_a_minute_or_so(made: Instance) -> None:
    due_at = Health.objects.get(pk=made.pk).due_at
    assert due_at
    assert due_at < timezone.now() + timedelta(minutes=2)


def test_a_regular_check_costs_the_provider_nothing(made: Instance, account: Account) -> None:
    seen = len(account.ledger())
    assert outcome(check(made)) == (HealthState.HEALTHY, "")
    number = account.only_instance()["id"]
    assert asked(account, seen) == [f"GET /instances/{number}", "GET /usage"]
    assert HealthCheck.objects.get().method == CheckMethod.RECORD


def test_what_is_not_due_is_not_looked_at(made: Instance, account: Account) -> None:
    check(made)
    seen = len(account.ledger())
    health.run(made.organization)
    assert asked(account, seen) == []


def test_the_next_check_is_a_period_away(made: Instance) -> None:
    due_at = check(made).due_at
    assert due_at
    assert timedelta(hours=21) < due_at - timezone.now() < timedelta(hours=27)


def test_one_worker_looks_while_another_finds_nothing_to_do(made: Instance) -> None:
    Health.objects.update(due_at=Now())
    first, second = health.claim(made.organization), health.claim(made.organization)
    assert (first, second) == (Health.objects.get(), None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"valid": False}, (HealthState.ACTION_NEEDED, "invalid")),
        ({"disabled": True}, (HealthState.DISABLED, "")),
        ({"disabled": True, "valid": False}, (HealthState.DISABLED, "")),
    ],
)
def test_what_the_record_says_is_believed_the_second_time(
    made: Instance, account: Account, changes: dict[str, bool], expected: tuple[str, str]
) -> None:
    check(made)
    account.change_instance(account.only_instance()["id"], **changes)
    assert outcome(check(made)) == (HealthState.HEALTHY, "")
    assert outcome(check(made)) == expected


def test_a_doubt_is_looked_into_soon(made: Instance, account: Account) -> None:
    check(made)
    account.change_instance(account.only_instance()["id"], valid=False)
    due_at = check(made).due_at
    assert due_at
    assert due_at < timezone.now() + timedelta(minutes=2)


def test_one_odd_answer_changes_nothing(made: Instance, account: Account) -> None:
    check(made)
    number = account.only_instance()["id"]
    for valid in (False, True, False, True):
        account.change_instance(number, valid=valid)
        assert outcome(check(made)) == (HealthState.HEALTHY, "")
    assert not AuditEntry.objects.filter(action="health.changed").exists()


def test_what_flaps_needs_more_to_be_believed(made: Instance, account: Account) -> None:
    check(made)
    number = account.only_instance()["id"]
    for valid in (False, True, False):
        account.change_instance(number, valid=valid)
        check(made, times=2)
    account.change_instance(number, valid=True)
    assert check(made, times=3).state == HealthState.ACTION_NEEDED
    assert check(made).state == HealthState.HEALTHY


def test_a_change_is_in_the_record_with_what_it_was(made: Instance, account: Account) -> None:
    check(made)
    account.change_instance(account.only_instance()["id"], valid=False)
    check(made, times=2)
    entry = AuditEntry.objects.get(action="health.changed")
    assert entry.object_id == str(made.pk)
    assert entry.detail == {"was": "healthy", "state": "action_needed", "problem": "invalid"}


def test_the_first_good_look_is_no_event(made: Instance) -> None:
    check(made)
    assert not AuditEntry.objects.filter(action="health.changed").exists()


def test_gone_is_said_only_of_the_right_account(made: Instance, account: Account) -> None:
    account.remove_instance(account.only_instance()["id"])
    assert outcome(check(made)) == (HealthState.ACTION_NEEDED, "gone")
    Instance.objects.update(account="somebody-elses")
    assert outcome(check(made, times=2)) == (HealthState.ACTION_NEEDED, "other-account")


def test_refused_secrets_are_the_organizations_job(made: Instance, account: Account) -> None:
    account.reset_secrets()
    assert outcome(check(made)) == (HealthState.ACTION_NEEDED, "secrets")
    made.organization.refresh_from_db()
    assert made.organization.is_refused


def test_a_platform_that_fails_is_retried_later_and_later(made: Instance, account: Account) -> None:
    account.fault("status", times=None, path="/instances", method="GET", status=503)
    pauses = []
    for _ in range(3):
        row = check(made)
        assert row.state == HealthState.RETRYING
        assert row.due_at
        pauses.append((row.due_at - timezone.now()).total_seconds())
    assert pauses[0] < 360
    assert pauses[1] > 500
    assert pauses[2] > 1000


def test_nothing_is_asked_while_calls_are_held_back(made: Instance, account: Account) -> None:
    later = timezone.now() + timedelta(minutes=5)
    Organization.objects.update(breaker=BreakerState.OPEN, paused_until=later)
    seen = len(account.ledger())
    assert check(made).state == HealthState.UNKNOWN
    assert health.due() == []
    assert asked(account, seen) == []


def test_real_calls_that_are_refused_say_whose_job_it_is(made: Instance, account: Account) -> None:
    account.add_usage(account.only_instance()["id"], count=3, status=401)
    assert outcome(check(made)) == (HealthState.ACTION_NEEDED, "calls-refused")
    day = HealthDay.objects.get()
    assert (day.calls, day.failed_calls) == (3, 3)


def test_two_failed_calls_are_no_proof(made: Instance, account: Account) -> None:
    number = account.only_instance()["id"]
    account.add_usage(number, count=4, status=200, newest=timezone.now().timestamp() - 600)
    account.add_usage(number, count=2, status=401)
    assert outcome(check(made)) == (HealthState.HEALTHY, "")


def test_calls_of_other_instances_say_nothing(made: Instance, account: Account) -> None:
    other = account.add_instance(name="Other")
    account.add_usage(other["id"], count=5, status=401)
    assert outcome(check(made)) == (HealthState.HEALTHY, "")
    assert HealthDay.objects.get().calls == 0


def test_a_day_is_one_row_with_the_worst_of_it(made: Instance, account: Account) -> None:
    check(made)
    account.change_instance(account.only_instance()["id"], valid=False)
    check(made)
    account.change_instance(account.only_instance()["id"], valid=True)
    check(made)
    day = HealthDay.objects.get()
    assert (day.state, day.problem) == (HealthState.ACTION_NEEDED, "invalid")
    assert (day.checks, day.good, day.timed) == (3, 2, 3)
    assert day.latency_most_ms >= (day.mean_ms or 0)


def test_a_test_pings_with_the_instances_own_token(made: Instance, account: Account) -> None:
    seen = len(account.ledger())
    assert outcome(ask_for_test(made)) == (HealthState.HEALTHY, "")
    assert asked(account, seen)[-1] == "GET /ping"
    row = HealthCheck.objects.get()
    assert (row.method, row.asked_by) == (CheckMethod.PING, made.owner)
    assert AuditEntry.objects.filter(action="health.test_requested").count() == 1


def test_without_a_ping_one_line_is_read(made: Instance, account: Account) -> None:
    account.set(ping_supported=False)
    seen = len(account.ledger())
    assert outcome(ask_for_test(made)) == (HealthState.HEALTHY, "")
    assert asked(account, seen)[-2:] == ["GET /ping", "GET /products"]
    assert HealthCheck.objects.get().method == CheckMethod.READ


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, (HealthState.ACTION_NEEDED, "refused")),
        (429, (HealthState.RETRYING, "provider")),
        (503, (HealthState.RETRYING, "provider")),
    ],
)
def test_what_the_provider_says_is_believed_at_once_and_speaks_for_it_alone(
    made: Instance, account: Account, status: int, expected: tuple[str, str]
) -> None:
    account.change_instance(account.only_instance()["id"], provider_status=status)
    assert outcome(ask_for_test(made)) == expected
    made.organization.refresh_from_db()
    assert made.organization.failures == 0
    assert not made.organization.is_refused


def test_another_token_is_said_to_be_one(made: Instance, account: Account) -> None:
    made.token = vault.seal(made, "token", "an-older-token")
    made.save()
    assert outcome(ask_for_test(made)) == (HealthState.ACTION_NEEDED, "token")


def test_asking_twice_is_one_test(made: Instance) -> None:
    first = operations.request_test(actor=made.owner, instance=made)
    second = operations.request_test(actor=made.owner, instance=made)
    assert (first, second) == (True, False)


def test_who_lost_the_right_meanwhile_gets_no_test(made: Instance, account: Account) -> None:
    operations.request_test(actor=made.owner, instance=made)
    Membership.objects.all().delete()
    seen = len(account.ledger())
    health.run(made.organization)
    assert "GET /ping" not in asked(account, seen)
    assert Health.objects.get().asked_at is None


def test_a_test_that_was_asked_for_during_a_check_is_made_after_it(
    made: Instance, account: Account
) -> None:
    Health.objects.update(due_at=Now())
    running = health.claim(made.organization)
    assert running
    began = timezone.now() - timedelta(seconds=5)
    operations.request_test(actor=made.owner, instance=made)
    client = accounts.client_for(made.organization)
    reading = health._reading(running, client, began, is_asked=False)
    diagnosis.record(made, reading, began)
    seen = len(account.ledger())
    health.run(made.organization)
    assert "GET /ping" in asked(account, seen)


def test_what_is_not_active_is_not_tested(made: Instance) -> None:
    Instance.objects.update(status=InstanceStatus.DELETING)
    with pytest.raises(operations.NotTestableError):
        operations.request_test(actor=made.owner, instance=made)


def test_what_was_deleted_is_not_watched_any_more(made: Instance, account: Account) -> None:
    Instance.objects.update(status=InstanceStatus.DELETED)
    seen = len(account.ledger())
    Health.objects.update(due_at=Now())
    health.run(made.organization)
    assert not Health.objects.exists()
    number = made.remote_id
    assert f"GET /instances/{number}" not in asked(account, seen)
    assert f"GET /audit-logs/element-instances/{number}" in asked(account, seen)


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
