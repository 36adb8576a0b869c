"""Workers that are killed while they rotate, and two that try at once: each step is taken once."""

import threading
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now

from instances.engine import health, rotating
from instances.models import (
    Instance,
    InstanceStatus,
    Operation,
    Rotation,
    RotationState,
    database_now,
)
from instances.operations import request_instance_rotation
from sandbox.running import Account
from tests.cases import work
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.processes,
    pytest.mark.production,
    pytest.mark.django_db(transaction=True),
]

AT_ONCE = {
    "ELEMENTDESK_DELETION_DAYS": "0",
    "ELEMENTDESK_ROTATION_QUIET_HOURS": "0",
}


@pytest.fixture
def due(made: Instance, operator: User, account: Account) -> Rotation:
    """A rotation whose two instances work, and whose day has come."""
    rotation = request_instance_rotation(
        requester=operator,
        old=made,
        name="The new one",
        configuration={
            "zuorav2.sandbox": True,
            "username": account.sandbox.username,
            "password": account.sandbox.password,
        },
        tag_names=[],
        client_request_id=uuid.uuid4(),
        days=0.0,
    )
    work()
    rotating.step(rotation)
    rotating.step(rotation)
    health.run(made.organization)
    rotating.step(rotation)
    Rotation.objects.update(look_at=Now())
    rotation.refresh_from_db()
    assert rotation.state == RotationState.BOTH
    return rotation


@pytest.mark.parametrize("step", ["rotation asked", "rotation stepped"])
def test_a_worker_killed_at_any_step_leaves_a_rotation_that_is_finished(
    step: str, due: Rotation, account: Account, start: Callable[..., Worker]
) -> None:
    assert start(step, **AT_ONCE).wait() != 0
    start(**AT_ONCE)
    start(**AT_ONCE)
    wait_for(lambda: Rotation.objects.get().state == RotationState.DONE)
    assert account.only_instance()["id"] == due.new.remote_id
    kinds = list(due.old.operations.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["create", "disable", "delete"]


def test_two_workers_at_once_ask_once(due: Rotation, settings: object) -> None:
    settings.ENGINE = {**settings.ENGINE, "QUIET_HOURS": 0.0}  # type: ignore[attr-defined]  # pytest-django's
    Rotation.objects.update(both_until=database_now())
    together = threading.Barrier(4)

    def step() -> None:
        together.wait()
        try:
            rotating.step(due)
        finally:
            connection.close()

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Operation.objects.filter(kind="disable").count() == 1
    assert Rotation.objects.get().state == RotationState.LEAVING
    assert Instance.objects.get(pk=due.old_id).status == InstanceStatus.CHANGING
