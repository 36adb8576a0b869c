"""What is due is claimed in fair order, each by one worker."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from instances.engine import claims, writer
from instances.engine.claims import Intent, LeaseLostError
from instances.engine.writer import Together
from instances.models import (
    Attempt,
    Operation,
    OperationState,
    Organization,
    Team,
)
from tests.claims.steps import Ask, Counting, claim, hold

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_organization_never_has_more_than_its_calls_in_flight(
    ask: Ask, organization: Organization
) -> None:
    Organization.objects.update(calls_in_flight=2)
    for number in range(5):
        ask(name=f"Instance {number}")
    assert len(claim()) == 2
    assert claim() == []


def test_without_a_number_of_its_own_the_setting_counts(ask: Ask, settings: Settings) -> None:
    settings.ENGINE = {**settings.ENGINE, "CALLS_PER_ORGANIZATION": 1}
    ask()
    ask(name="Second")
    assert len(claim()) == 1


def test_many_waiting_for_one_leave_room_for_another(
    ask: Ask, organization: Organization, other: Organization
) -> None:
    for number in range(6):
        ask(name=f"Instance {number}")
    ask(name="Small", organization=other)
    assert "Small" in {operation.made.name for operation in claim(limit=2)}


def test_who_was_served_longest_ago_is_next(
    ask: Ask, organization: Organization, other: Organization
) -> None:
    for number in range(2):
        ask(name=f"Instance {number}")
        ask(name=f"Other {number}", organization=other)
    served = [claim(limit=1)[0].organization_id for _ in range(4)]
    assert set(served[:2]) == set(served[2:]) == {organization.pk, other.pk}


def test_within_an_organization_the_oldest_comes_first(ask: Ask) -> None:
    first = ask(name="First")
    ask(name="Second")
    assert [operation.made.pk for operation in claim(limit=1)] == [first.pk]


def test_the_number_of_queries_does_not_grow_with_the_queue(
    ask: Ask,
) -> None:
    Organization.objects.update(calls_in_flight=100)
    for number in range(12):
        ask(name=f"Instance {number}")
    counts = []
    for size in (1, 10):
        counting = Counting()
        with connection.execute_wrapper(counting):
            claim(limit=size)
        counts.append(counting.number)
    assert counts[0] == counts[1]


def test_a_claim_that_was_lost_does_not_harm_the_others(ask: Ask) -> None:
    ask()
    ask(name="Second")
    lost, held = claim()
    Operation.objects.filter(pk=lost.pk).update(lease_epoch=2)
    with transaction.atomic():
        results = claims._save_intents([Intent(hold(lost), ""), Intent(hold(held), "")])
    assert isinstance(results[0], LeaseLostError)
    assert [attempt.operation_id for attempt in Attempt.objects.all()] == [held.pk]
    states = Operation.objects.in_bulk()
    assert states[lost.pk].state == OperationState.CLAIMED
    assert states[held.pk].state == OperationState.SENDING


def test_an_old_and_a_new_claim_of_one_operation_are_asked_apart(ask: Ask) -> None:
    ask()
    (old,) = claim()
    Operation.objects.update(lease_until=None)
    (new,) = claim()
    with ThreadPoolExecutor(2) as threads:
        saves = [threads.submit(claims._intent.save, Intent(hold(one), "")) for one in (old, new)]
    assert isinstance(saves[0].exception(), LeaseLostError)
    assert isinstance(saves[1].result(), Attempt)
    with pytest.raises(ValueError, match="twice"), transaction.atomic():
        claims._save_intents([Intent(hold(old), ""), Intent(hold(new), "")])


def test_what_cannot_be_saved_with_others_is_saved_alone() -> None:
    blocked, batches = threading.Event(), []

    def save_all(names: Sequence[str]) -> list[Team]:
        batches.append(len(names))
        blocked.wait(10)
        return [Team.objects.create(name=name) for name in names]

    together: Together[str, Team] = Together(save_all, writer.INTENTS)
    with ThreadPoolExecutor(4) as threads:
        saves = [threads.submit(together.save, "first")]
        while not batches:
            pass
        saves += [threads.submit(together.save, name) for name in ("second", "first", "third")]
        threading.Timer(0.3, blocked.set).start()
    assert batches == [1, 3, 1, 1, 1]
    assert [type(save.exception()) for save in saves].count(IntegrityError) == 1
    assert set(Team.objects.values_list("name", flat=True)) == {"first", "second", "third"}
