"""A test of an instance, asked for by a person."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from instances import operations, vault
from instances.engine import accounts, diagnosis, health
from instances.models import (
    AuditEntry,
    CheckMethod,
    Health,
    HealthCheck,
    HealthState,
    Instance,
    InstanceStatus,
    Membership,
)
from sandbox.running import Account
from tests.watching.steps import ask_for_test, asked, check, outcome

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize("status", [InstanceStatus.CHANGING, InstanceStatus.DELETING])
def test_what_is_only_being_changed_or_deleted_keeps_what_is_known_of_it(
    made: Instance, status: InstanceStatus
) -> None:
    check(made)
    Instance.objects.update(status=status)
    Health.objects.update(due_at=Now(), asked_at=Now(), log_asked_at=Now())
    health.run(made.organization)
    row = Health.objects.get()
    assert (row.state, row.asked_at, row.log_asked_at) == (HealthState.HEALTHY, None, None)
    assert row.due_at
    assert row.due_at > timezone.now()


def test_what_was_deleted_is_not_watched_any_more(made: Instance, account: Account) -> None:
    Instance.objects.update(status=InstanceStatus.DELETED)
    seen = len(account.ledger())
    Health.objects.update(due_at=Now())
    health.run(made.organization)
    assert not Health.objects.exists()
    number = made.remote_id
    assert f"GET /instances/{number}" not in asked(account, seen)
    assert f"GET /audit-logs/element-instances/{number}" in asked(account, seen)
