"""How an instance stands is found out, believed, and remembered."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from instances.engine import health
from instances.models import (
    AuditEntry,
    BreakerState,
    CheckMethod,
    Health,
    HealthCheck,
    HealthDay,
    HealthState,
    Instance,
    Organization,
)
from sandbox.running import Account
from tests.cases import work
from tests.watching.steps import asked, check, outcome

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_instance_is_watched_within_a_minute_or_so(made: Instance) -> None:
    due_at = Health.objects.get(pk=made.pk).due_at
    assert due_at
    assert due_at < timezone.now() + timedelta(minutes=2)


def test_what_was_just_made_is_listed_as_unknown(
    ask: Callable[..., Instance], signed_in: Client
) -> None:
    instance = ask(name="Made a moment ago")
    work()
    shown = signed_in.get("/instances/?health=unknown").context["page"].rows
    assert [row.pk for row in shown] == [instance.pk]


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
