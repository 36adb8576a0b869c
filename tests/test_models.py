"""What can never be true is refused by the database itself."""

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Now

from instances.models import (
    Attempt,
    AttemptOutcome,
    Evidence,
    Finding,
    FindingKind,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationKind,
    OperationSecret,
    OperationState,
    Organization,
    Share,
    Team,
)
from instances.models.identity import new_id

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]


def refuses(rule: str, change: Callable[[], object]) -> None:
    """The change breaks the constraint named `rule`, and no other."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        change()
    if connection.vendor == "postgresql" or "UNIQUE" not in str(refusal.value):
        assert rule in str(refusal.value)


def attempt_of(operation: Operation, number: int, outcome: AttemptOutcome) -> Attempt:
    return Attempt.objects.create(
        operation=operation,
        number=number,
        epoch=1,
        origin="https://api.cloud-elements.com",
        secrets_version=1,
        deadline_at=Now(),
        outcome=outcome,
    )


@pytest.fixture
def operation(ask: Ask) -> Operation:
    ask()
    return Operation.objects.get()


@pytest.mark.parametrize("second", [AttemptOutcome.IN_FLIGHT, AttemptOutcome.UNKNOWN])
def test_a_second_unresolved_attempt_is_refused(
    operation: Operation, second: AttemptOutcome
) -> None:
    attempt_of(operation, 1, AttemptOutcome.UNKNOWN)
    refuses("attempt_one_unresolved", lambda: attempt_of(operation, 2, second))


def test_an_attempt_after_a_resolved_one_is_accepted(operation: Operation) -> None:
    attempt_of(operation, 1, AttemptOutcome.PROVEN_ABSENT)
    assert attempt_of(operation, 2, AttemptOutcome.IN_FLIGHT).pk


def test_raw_sql_cannot_open_a_second_attempt_either(operation: Operation) -> None:
    attempt_of(operation, 1, AttemptOutcome.UNKNOWN)
    attempt_of(operation, 2, AttemptOutcome.REJECTED)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE instances_attempt SET outcome = 'in_flight' WHERE number = 2")


def test_active_means_remote_id_and_token(ask: Ask) -> None:
    rows = Instance.objects.filter(pk=ask().pk)
    active = InstanceStatus.ACTIVE
    rule = "instance_active_has_remote_id_and_token"
    refuses(rule, lambda: rows.update(status=active))
    refuses(rule, lambda: rows.update(status=active, remote_id=1, account="a"))
    refuses(rule, lambda: rows.update(status=active, token="ce1.a.b.c"))
    assert rows.update(status=active, remote_id=1, account="a", token="ce1.a.b.c") == 1


def test_one_row_for_each_remote_id_and_account(ask: Ask) -> None:
    first, second = (ask(name=name) for name in "ab")
    Instance.objects.filter(pk=first.pk).update(remote_id=7, account="here")
    same = Instance.objects.filter(pk=second.pk)
    refuses("instance_once_per_account", lambda: same.update(remote_id=7, account="here"))
    assert same.update(remote_id=7, account="elsewhere") == 1


def test_one_operation_creates_one_instance(operation: Operation) -> None:
    # Ended, so that only the second creation is wrong.
    Operation.objects.update(state=OperationState.CANCELED, finished_at=Now())
    copy = Operation.objects.get()
    copy.pk, copy.tag, copy.client_request_id = uuid.uuid4(), "other", uuid.uuid4()
    refuses("operation_creates_one_instance", lambda: copy.save(force_insert=True))


def test_one_request_id_of_a_person_is_one_operation(ask: Ask, operation: Operation) -> None:
    ask(name="another")
    other = Operation.objects.exclude(pk=operation.pk)
    same = operation.client_request_id
    refuses("operation_once_per_request", lambda: other.update(client_request_id=same))


def test_a_final_operation_holds_no_lease(operation: Operation) -> None:
    rows = Operation.objects.filter(pk=operation.pk)
    rule = "operation_final_has_no_lease"
    refuses(rule, lambda: rows.update(state=OperationState.SUCCEEDED))
    refuses(
        rule,
        lambda: rows.update(state=OperationState.REJECTED, finished_at=Now(), lease_until=Now()),
    )


SECRET_COLUMNS: list[tuple[type[models.Model], str]] = [
    (Organization, "user_secret"),
    (Organization, "organization_secret"),
    (OperationSecret, "sealed"),
    (Instance, "token"),
    (Evidence, "token"),
]


@pytest.mark.parametrize(("model", "column"), SECRET_COLUMNS)
def test_a_secret_column_refuses_plaintext(
    operation: Operation, model: type[models.Model], column: str
) -> None:
    attempt = attempt_of(operation, 1, AttemptOutcome.UNKNOWN)
    Evidence.objects.create(attempt=attempt, kind="answer", remote_id=1, token="ce1.a.b.c")
    table = model._meta.db_table
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = 'plaintext'")


def test_every_choice_is_held_by_the_database(operation: Operation, operator: User) -> None:
    nonsense: list[tuple[Any, str]] = [
        (Operation, "state"),
        (Operation, "kind"),
        (Instance, "status"),
        (Instance, "environment"),
        (Membership, "role"),
    ]
    # So that the kind is all that is wrong with it.
    Operation.objects.update(remote_id=1)
    for model, field in nonsense:
        refuses("is_known", partial(model.objects.update, **{field: "nonsense"}))


def test_a_share_is_with_a_person_or_a_team(ask: Ask, operator: User) -> None:
    instance, team = ask(), Team.objects.create(name="Billing")
    make = Share.objects.create
    rule = "share_is_with_a_person_or_a_team"
    common = {"instance": instance, "level": "view", "granted_by": operator}
    refuses(rule, lambda: make(**common))
    refuses(rule, lambda: make(**common, user=operator, team=team))
    assert make(**common, team=team).recipient == "Billing"


def test_evidence_of_one_sighting_is_kept_once(operation: Operation) -> None:
    attempt = attempt_of(operation, 1, AttemptOutcome.UNKNOWN)
    make = Evidence.objects.create
    facts = {"attempt": attempt, "kind": "answer", "remote_id": 5, "token": "ce1.a.b.c"}
    make(**facts)
    refuses("evidence_recorded_once", lambda: make(**facts))


def test_a_move_with_an_old_epoch_changes_nothing(operation: Operation) -> None:
    assert not operation.move(OperationState.CLAIMED, epoch=operation.lease_epoch + 1)
    assert Operation.objects.get().state == OperationState.QUEUED


def test_a_move_that_the_table_does_not_know_changes_nothing(operation: Operation) -> None:
    assert not operation.move(OperationState.SUCCEEDED, epoch=operation.lease_epoch)
    assert not operation.move(OperationState.SENDING, epoch=operation.lease_epoch)


def test_newer_rows_have_greater_ids(ask: Ask) -> None:
    made = [ask(name=str(number)).pk for number in range(5)]
    assert made == sorted(made)


def test_a_person_is_told_why_a_cap_of_zero_is_refused(organization: Organization) -> None:
    rows = Organization.objects.filter(pk=organization.pk)
    refuses("organization_calls_in_flight_is_positive", lambda: rows.update(calls_in_flight=0))


def test_an_open_breaker_has_an_end(organization: Organization) -> None:
    rows = Organization.objects.filter(pk=organization.pk)
    refuses("organization_open_breaker_has_an_end", lambda: rows.update(breaker="open"))


def test_one_open_operation_for_each_instance(operation: Operation) -> None:
    instance = operation.instance
    second = Operation(
        kind=OperationKind.DELETE,
        instance=instance,
        organization=operation.organization,
        requester=operation.requester,
        client_request_id=uuid.uuid4(),
        payload={},
        tag="second",
        remote_id=1,
    )
    refuses("operation_one_at_a_time_per_instance", second.save)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"instance": None}, "operation_is_about_something"),
        ({"kind": OperationKind.ADOPT}, "operation_on_what_exists_names_it"),
        ({"cancel_wish": "keep"}, "operation_cancel_says_what_then"),
        ({"cancel_requested_at": Now()}, "operation_cancel_says_what_then"),
    ],
)
def test_an_operation_says_what_it_is_about(
    operation: Operation, change: dict[str, Any], rule: str
) -> None:
    refuses(rule, lambda: Operation.objects.filter(pk=operation.pk).update(**change))


def test_what_was_found_is_listed_once(organization: Organization) -> None:
    found = partial(
        Finding.objects.create,
        organization=organization,
        kind=FindingKind.ORPHAN,
        account="a",
        last_seen_at=Now(),
    )
    found(remote_id=7)
    refuses("finding_once_per_account", lambda: found(remote_id=7))
    refuses("finding_names_an_instance", lambda: found(remote_id=0))


@pytest.mark.once
def test_ids_sort_as_they_were_made_and_are_never_of_a_time_to_come() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert [each.version for each in ids[:2]] == [7, 7]
    assert ids[-1].int >> 80 <= time.time_ns() // 10**6
    made = [each.int >> 64 for each in ids]
    assert made == sorted(made)
    assert len(set(ids)) == len(ids)
