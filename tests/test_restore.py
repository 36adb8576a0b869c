"""After a restore: look first, send afterwards, and find what was made since the backup."""

import fcntl
import io
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from instances import fence, operations, tags
from instances.engine import searching
from instances.engine.claims import Claim, LeaseLostError, lease
from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Finding,
    Installation,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
    Session,
)
from sandbox.running import Account
from tests.cases import work
from tests.states import put_in_state

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


@pytest.fixture(autouse=True)
def restored() -> None:
    """A database that is one mark older than what was sent."""
    fence.keep()
    Installation.objects.update(mark=0)
    fence._kept_at.clear()


def posts(account: Account) -> int:
    return len([entry for entry in account.ledger() if entry.method != "GET"])


UNFINISHED = [
    OperationState.QUEUED,
    OperationState.SENDING,
    OperationState.UNKNOWN,
    OperationState.NEEDS_PERSON,
]


@pytest.mark.parametrize("state", UNFINISHED)
def test_whatever_is_unfinished_counts_as_unknown(ask: Ask, state: OperationState) -> None:
    instance = ask()
    put_in_state(instance, state)
    accepted = operations.accept_restore()
    instance.refresh_from_db()
    operation = instance.operations.get()
    attempt = operation.attempts.get()
    assert (instance.status, operation.state) == (InstanceStatus.UNKNOWN, OperationState.UNKNOWN)
    assert attempt.outcome == AttemptOutcome.UNKNOWN
    assert attempt.ended_at is not None
    assert timezone.now() - attempt.ended_at < timedelta(seconds=5)
    assert accepted.to_look_up == {operation.organization_id: 1}


def test_a_request_that_was_blocked_or_proven_absent_may_have_been_sent_again(ask: Ask) -> None:
    instance = ask()
    put_in_state(instance, OperationState.SENDING)
    Attempt.objects.update(outcome=AttemptOutcome.PROVEN_ABSENT)
    Operation.objects.update(state=OperationState.BLOCKED)
    operations.accept_restore()
    first, second = instance.operations.get().attempts.order_by("number")
    assert (first.outcome, second.outcome) == (
        AttemptOutcome.PROVEN_ABSENT,
        AttemptOutcome.UNKNOWN,
    )
    assert (second.number, second.error_class) == (2, "restored")
    assert second.started_at == instance.operations.get().created_at


@pytest.mark.parametrize(
    "state", [OperationState.CREATED, OperationState.SUCCEEDED, OperationState.REJECTED]
)
def test_what_is_known_stays_known(ask: Ask, state: OperationState) -> None:
    instance = ask()
    put_in_state(instance, state)
    before = instance.operations.get().attempts.get().outcome
    accepted = operations.accept_restore()
    assert instance.operations.get().state == state
    assert instance.operations.get().attempts.get().outcome == before
    assert not accepted.to_look_up


def test_a_queued_request_that_was_carried_out_since_is_found(ask: Ask, account: Account) -> None:
    instance = ask()
    operation = instance.operations.get()
    made = account.add_instance(element="zuorav2", name="x", tags=[operation.tag])
    operations.accept_restore()
    work()
    instance.refresh_from_db()
    assert (instance.status, instance.remote_id) == (InstanceStatus.ACTIVE, made["id"])
    assert posts(account) == 0


def test_a_queued_request_that_was_not_carried_out_is_sent_once_proven(
    ask: Ask, account: Account
) -> None:
    instance = ask()
    operations.accept_restore()
    work(2)
    assert posts(account) == 0
    work(2)
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.ACTIVE
    assert len(account.instances()) == posts(account) == 1


def test_a_claim_from_before_is_void_whatever_its_epoch(ask: Ask) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    Operation.objects.update(lease_epoch=0, lease_until=None, lease_owner="")  # as in the backup
    operations.accept_restore()
    row = Operation.objects.get()
    assert row.lease_until is None
    for epoch in range(operation.lease_epoch, operation.lease_epoch + 100):
        with pytest.raises(LeaseLostError):
            Claim(row, epoch).renew()


def test_sessions_end_and_every_account_is_due(
    signed_in: Client, organization: Organization
) -> None:
    assert Session.objects.count() == 1
    accepted = operations.accept_restore()
    organization.refresh_from_db()
    assert accepted.sessions_ended == 1
    assert signed_in.get("/instances/").status_code == 302
    assert organization.audit_due_at <= timezone.now()
    assert organization.doubted_at is not None


def test_the_fence_opens_above_the_copy(organization: Organization) -> None:
    assert not fence.may_send()
    operations.accept_restore()
    row = Installation.current()
    assert (row.mark, row.fenced_at) == (2, None)
    assert fence.path().read_text().split() == [row.code, "2"]
    assert fence.may_send()
    entry = AuditEntry.objects.get(action="installation.restored")
    assert (entry.actor_name, entry.detail["to_look_up"]) == ("command line", 0)


def test_it_opens_after_the_file_was_lost(organization: Organization) -> None:
    Installation.objects.update(mark=5)
    fence.path().unlink()
    assert not fence.may_send()
    operations.accept_restore()
    assert fence.path().read_text().split()[1] == "6"
    assert fence.may_send()


def test_nothing_changes_without_a_file_that_can_be_read(ask: Ask) -> None:
    ask()
    fence.path().write_text("?")
    with pytest.raises(fence.FenceError):
        operations.accept_restore()
    assert Operation.objects.get().state == OperationState.QUEUED


@pytest.fixture
def searching_worker(organization: Organization) -> Iterator[None]:
    """The part of a worker that searches accounts, on a thread, once the fence is open."""
    stop = threading.Event()

    def search() -> None:
        while not stop.wait(0.05):
            if fence.may_send():
                searching.run()
        connections.close_all()

    worker = threading.Thread(target=search)
    worker.start()
    yield
    stop.set()
    worker.join()


def test_nothing_changes_without_a_file_that_can_be_written(ask: Ask) -> None:
    ask()
    with Path(f"{fence.path()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(fence.FenceError):
            operations.accept_restore()
    assert Operation.objects.get().state == OperationState.QUEUED
    assert not fence.may_send()


def run(*arguments: str) -> tuple[int, str, str]:
    out = io.StringIO()
    try:
        call_command("after_restore", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_the_command_changes_nothing_unless_it_is_confirmed(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return "no"

    monkeypatch.setattr("builtins.input", answer)
    assert run() == (2, "", "Nothing was changed.")
    assert "a backup was restored" in asked[0]
    assert Operation.objects.get().state == OperationState.QUEUED


def test_the_command_goes_on_when_it_is_confirmed(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    monkeypatch.setattr("builtins.input", lambda _text: "yes")
    run("--wait", "0")
    assert Operation.objects.get().state == OperationState.UNKNOWN


def test_the_command_does_not_claim_a_search_that_was_not_made(
    ask: Ask, organization: Organization
) -> None:
    ask()
    Organization.objects.update(audited_at=Now() - timedelta(days=1))
    code, out, error = run("--yes", "--wait", "0")
    assert code == 1
    assert f"{organization}: 1 unfinished to look up, not searched yet (no worker" in out
    assert "searched when a worker can" in error
    Organization.objects.update(secrets_refused_at=Now())
    assert "the platform refuses its secrets" in run("--yes", "--wait", "5")[1]


def test_the_command_tells_what_the_search_found(
    organization: Organization, account: Account, searching_worker: None
) -> None:
    tag = tags.tag_for(Operation(pk=uuid.uuid4()))
    account.add_instance(element="zuorav2", name="made since", tags=[tag])
    code, out, _ = run("--yes")
    assert code == 0
    assert f"{organization}: 0 unfinished to look up, 1 found on the platform" in out
    assert Finding.objects.get().name == "made since"


def test_an_unfinished_change_waits_for_a_person(ask: Ask, operator: User) -> None:
    instance = ask()
    put_in_state(instance, OperationState.SUCCEEDED)
    operation = operations.request_instance_switch(
        requester=operator, instance=instance, is_to_be_disabled=True, reason="Maintenance."
    )
    operations.accept_restore()
    operation.refresh_from_db()
    instance.refresh_from_db()
    assert (operation.state, operation.problem) == (OperationState.NEEDS_PERSON, "restored")
    assert instance.status == InstanceStatus.NEEDS_PERSON
    choice = operations.Choice.MARK
    operations.decide(actor=operator, operation=operation, choice=choice, reason="Enabled since.")
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.ACTIVE
