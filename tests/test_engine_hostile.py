"""Whatever the platform answers: the instance is recorded once, with its id and token."""

from collections.abc import Callable

import pytest

from instances.engine import drain
from instances.engine.claims import lease
from instances.models import Instance, InstanceStatus, Operation
from sandbox import corpus, hostile
from sandbox.running import Account

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 4


def settle() -> None:
    for _ in range(ROUNDS):
        for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
            drain.work_on(operation)


def check_recorded_once(account: Account) -> None:
    instance = Instance.objects.get()
    assert instance.status == InstanceStatus.ACTIVE
    assert instance.remote_id == account.only_instance()["id"]
    assert len([entry for entry in account.ledger() if entry.method == "POST"]) == 1


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_hostile_answer_does_not_lose_the_instance(
    ask: Callable[..., Instance], account: Account, kind: str
) -> None:
    account.fault("hostile json", kind=kind)
    ask()
    settle()
    check_recorded_once(account)


@pytest.mark.parametrize("kind", corpus.KINDS)
def test_garbled_answer_does_not_lose_the_instance(
    ask: Callable[..., Instance], account: Account, kind: str
) -> None:
    account.fault("garbage", kind=kind)
    ask()
    settle()
    check_recorded_once(account)
