"""A worker that is killed while it deletes: what was asked for is done once, and nothing is left."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from instances.models import Instance, InstanceStatus, Operation, OperationState
from instances.operations import request_instance_deletion, request_instance_switch
from sandbox.running import Account
from tests.cases import work
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.processes,
    pytest.mark.production,
    pytest.mark.django_db(transaction=True),
]

STEPS = ["claimed", "intended", "sent", "deletion answered", "deletion recorded"]
AT_ONCE = {"ELEMENTDESK_DELETION_DAYS": "0"}


@pytest.fixture
def disabled(made: Instance, operator: User, settings: Any) -> Instance:
    """An instance that is disabled, so that its deletion is the next thing that happens."""
    settings.ENGINE = {**settings.ENGINE, "DELETION_DAYS": 0.0}
    request_instance_switch(
        requester=operator, instance=made, is_to_be_disabled=True, reason="Old."
    )
    work()
    return Instance.objects.select_related("organization").get()


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_leaves_a_deletion_that_is_finished(
    step: str,
    disabled: Instance,
    operator: User,
    account: Account,
    start: Callable[..., Worker],
) -> None:
    request_instance_deletion(
        requester=operator, instance=disabled, typed_name=disabled.name, reason="Old."
    )
    assert start(step, **AT_ONCE).wait() != 0
    start(**AT_ONCE)
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.DELETED)
    assert Operation.objects.get(kind="delete").state == OperationState.SUCCEEDED
    assert account.instances() == []
    assert Instance.objects.get().token == ""
