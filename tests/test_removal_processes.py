"""A worker that is killed while it deletes: what was asked for is done once, and nothing is left."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from instances.models import Instance, InstanceStatus, Operation, OperationState
from instances.operations import request_instance_deletion, request_instance_switch
from sandbox.running import Account
from tests.cases import work
from tests.workers import Worker, empty_broker, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STEPS = ["claimed", "intended", "sent", "deletion answered", "deletion recorded"]
ARMED = {"DEBUG": "true", "ELEMENTDESK_DELETION_DAYS": "0"}


@pytest.fixture
def disabled(ask: Callable[..., Instance], operator: User, settings: Any) -> Instance:
    """An instance that is disabled, so that its deletion is the next thing that happens."""
    settings.ENGINE = {**settings.ENGINE, "DELETION_DAYS": 0.0}
    instance = ask()
    work()
    instance.refresh_from_db()
    request_instance_switch(
        requester=operator, instance=instance, is_to_be_disabled=True, reason="Old."
    )
    work()
    return Instance.objects.select_related("organization").get()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []
    empty_broker()

    def begin(**changes: str) -> Worker:
        workers.append(Worker(tmp_path, **ARMED, **changes))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.stop()


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_leaves_a_deletion_that_is_finished(
    step: str,
    disabled: Instance,
    operator: User,
    account: Account,
    start: Callable[..., Worker],
    tmp_path: Path,
) -> None:
    tickets = tmp_path / "tickets"
    tickets.mkdir()
    ticket = tickets / step
    ticket.write_text("SIGKILL")
    request_instance_deletion(
        requester=operator, instance=disabled, typed_name=disabled.name, reason="Old."
    )
    killed = start(ELEMENTDESK_CRASH_AT=str(tickets))
    wait_for(lambda: not ticket.exists())
    killed.wait()
    start()
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.DELETED)
    assert Operation.objects.get(kind="delete").state == OperationState.SUCCEEDED
    assert account.instances() == []
    assert Instance.objects.get().token == ""
