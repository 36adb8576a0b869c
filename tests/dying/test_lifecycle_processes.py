"""A worker dies at each step of a change: it is made, told as it is, and made no more than needed."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from instances import vault
from instances.models import Instance, InstanceStatus, Operation, OperationSecret, OperationState
from instances.operations import (
    Edition,
    request_instance_edit,
    request_instance_reauthentication,
    request_instance_switch,
)
from instances.vault import Purpose
from sandbox.running import Account
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.processes,
    pytest.mark.production,
    pytest.mark.django_db(transaction=True),
]

Ask = Callable[..., Instance]
STEPS = ("intended", "change answered", "change recorded", "change stored")


def disable(instance: Instance, user: User, _account: Account) -> Operation:
    return request_instance_switch(
        requester=user, instance=instance, is_to_be_disabled=True, reason="Maintenance."
    )


def rename(instance: Instance, user: User, _account: Account) -> Operation:
    seen = Edition.of(instance)
    wanted = Edition("Renamed", seen.tags, seen.values)
    return request_instance_edit(requester=user, instance=instance, seen=seen, wanted=wanted)


def renew(instance: Instance, user: User, account: Account) -> Operation:
    configuration = {"password": account.sandbox.password}
    return request_instance_reauthentication(
        requester=user, instance=instance, configuration=configuration
    )


def requests(account: Account) -> int:
    """How many requests that change something arrived, but for creating."""
    return len([entry for entry in account.ledger() if entry.method in ("PATCH", "PUT", "DELETE")])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("change", [disable, rename, renew])
def test_a_worker_that_dies_leaves_a_change_that_another_ends(
    step: str,
    change: Callable[..., Operation],
    made: Instance,
    operator: User,
    account: Account,
    start: Callable[..., Worker],
) -> None:
    operation = change(made, operator, account)
    assert start(step).wait() != 0
    start()
    wait_for(lambda: Operation.objects.get(pk=operation.pk).state == OperationState.SUCCEEDED)
    remote, row = account.only_instance(), Instance.objects.get()
    # A password in use shows nowhere: of that one a second request is the only proof.
    again = change is renew and step == "change answered"
    assert requests(account) == (2 if again else 1)
    assert (row.name, row.is_disabled) == (remote["name"], remote["disabled"])
    assert row.status == InstanceStatus.ACTIVE
    kept = vault.open_sealed(row, "token", purpose=Purpose.CHECK)
    assert kept.reveal() == remote["token"]
    assert not OperationSecret.objects.exists()
