"""Claims: whose turn it is, how many at once, and that one claim in a batch never harms another."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from instances.engine import accounts, calls, claims, drain, storing, writer
from instances.engine.claims import Claim, Intent, LeaseLostError, lease
from instances.engine.writer import Together
from instances.models import (
    Attempt,
    AttemptOutcome,
    Evidence,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationState,
    Organization,
    Role,
    Team,
)
from sandbox.running import Account

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def claim(limit: int = 10) -> list[Operation]:
    return Operation.objects.claim(worker="test", limit=limit, lease=lease())


def hold(operation: Operation) -> Claim:
    return Claim(operation, operation.lease_epoch)


@pytest.fixture
def other(organization: Organization, operator: User) -> Organization:
    """Another organization at the same account."""
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    fields = {
        field.attname: getattr(organization, field.attname) for field in organization._meta.fields
    }
    copy = Organization(**{**fields, "id": Organization().pk, "name": "Another"})
    copy.save(force_insert=True)
    Membership.objects.create(user=operator, organization=copy, role=Role.OPERATOR)
    return copy


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


class Counting:
    """Count the statements of this connection."""

    number = 0

    def __call__(self, execute: Callable[..., object], *args: object) -> object:
        self.number += 1
        return execute(*args)


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


def test_no_call_begins_inside_a_transaction(ask: Ask, organization: Organization) -> None:
    client = accounts.client_for(organization)
    with pytest.raises(RuntimeError, match="transaction"), transaction.atomic():
        client.identify()


def test_no_connection_is_held_during_a_call(organization: Organization) -> None:
    client = accounts.client_for(organization)
    with calls.one(False):
        assert connection.connection is None
    client.identify()
    assert connection.connection is None


def test_a_recorded_request_without_a_place_is_not_sent(
    ask: Ask, organization: Organization, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PLACE_SECONDS", 0.2)
    calls._is_quick.set()
    Organization.objects.update(account="known")
    ask()
    (operation,) = claim()
    with ExitStack() as taken:
        for _ in range(calls.most()):
            taken.enter_context(calls._places())
        drain.work_on(operation)
        assert Attempt.objects.get().outcome == AttemptOutcome.NOT_SENT
        assert Operation.objects.get().state == OperationState.QUEUED
        # These times are not quick: nothing is held here without a place, nor recorded before it.
        assert drain.held() == calls.most()
        (operation,) = claim()
        drain.work_on(operation)
        assert Attempt.objects.count() == 1
        assert Operation.objects.filter(state=OperationState.QUEUED, lease_until=None).exists()
    (operation,) = claim()
    drain.work_on(operation)
    assert account.only_instance()
    assert drain.held() == 3 * calls.most()


@pytest.mark.parametrize("account_is_known", [True, False])
def test_what_waited_for_a_place_asks_again_whether_calls_go_out(
    ask: Ask, organization: Organization, account: Account, account_is_known: bool
) -> None:
    calls._is_quick.set()
    Organization.objects.update(account="known" if account_is_known else "")
    ask()
    (operation,) = claim()
    waiting = threading.Thread(target=drain.work_on, args=[operation])
    with ExitStack() as taken:
        for _ in range(calls.most()):
            taken.enter_context(calls._places())
        waiting.start()
        waiting.join(0.7)
        Organization.objects.update(paused_until=timezone.now() + timedelta(hours=1))
    waiting.join(10)
    assert account.ledger() == []
    assert Operation.objects.get().state == OperationState.QUEUED
    assert not Attempt.objects.exclude(outcome=AttemptOutcome.NOT_SENT).exists()


def test_shares_of_a_worker_make_up_its_calls(settings: Settings) -> None:
    for number in (1, 2, 3, 4):
        shares = []
        for position in range(number):
            calls.take_share(position, number)
            shares.append(calls.most())
        calls.take_share(0, 1)
        assert sum(shares) == settings.ENGINE["CALLS_IN_FLIGHT"]
        assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("name", ["PROCESSES", "CALLS_IN_FLIGHT"])
def test_a_worker_that_could_do_nothing_is_an_error(settings: Settings, name: str) -> None:
    assert "elementdesk.E006" not in {each.id for each in run_checks()}
    settings.ENGINE = {**settings.ENGINE, name: 0}
    assert "elementdesk.E006" in {each.id for each in run_checks()}


def test_records_wait_for_company_in_busy_times_only() -> None:
    batches: list[int] = []

    def save_all(names: Sequence[str]) -> list[str]:
        batches.append(len(names))
        return list(names)

    together: Together[str, str] = Together(save_all, writer.ANSWERS, patience=0.3)
    with ThreadPoolExecutor(4) as threads:
        together.save("alone")
        writer.be_patient(True)
        saves = [threads.submit(together.save, "first")]
        time.sleep(0.1)
        saves += [threads.submit(together.save, name) for name in ("second", "third")]
    writer.be_patient(False)
    assert [save.result() for save in saves] == ["first", "second", "third"]
    assert batches == [1, 3]


def test_evidence_is_kept_whoever_holds_the_lease(ask: Ask, account: Account) -> None:
    ask()
    (operation,) = claim()
    held = hold(operation)
    attempt = held.open_attempt("")
    remote = held.client.get_instance(account.add_instance(name="Billing")["id"])
    Operation.objects.update(lease_epoch=2)
    storing.record_answer(held, attempt, remote)
    assert Evidence.objects.count() == 1
    assert Operation.objects.get().state == OperationState.SENDING
    with pytest.raises(LeaseLostError):
        storing.finish(held, remote)
    assert Instance.objects.get().status == InstanceStatus.CREATING


@pytest.fixture
def stopping() -> Iterator[None]:
    """This process is about to end."""
    calls.stop()
    yield
    calls._stopping.clear()


def test_what_has_not_begun_is_given_back(ask: Ask, account: Account, stopping: None) -> None:
    ask()
    (operation,) = claim()
    drain.work_on(operation)
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    assert (operation.claims, operation.lease_until) == (0, None)
    assert Instance.objects.get().status == InstanceStatus.QUEUED
    assert not account.ledger()
    assert [again.pk for again in claim()] == [operation.pk]


def test_giving_back_after_something_was_recorded_counts_nothing(ask: Ask) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    Operation.objects.update(claims=0)
    Claim(operation, operation.lease_epoch).give_back()
    operation.refresh_from_db()
    assert (operation.claims, operation.lease_until) == (0, None)
