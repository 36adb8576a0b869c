"""The worker's half: what a claimed operation leads to, against the real sandbox: what its tests share."""

from collections.abc import Callable

from instances.engine import drain
from instances.engine.claims import lease
from instances.models import (
    Instance,
    Operation,
)
from sandbox.running import Account

Ask = Callable[..., Instance]


POST = ("POST", "/instances")


def work(rounds: int = 1) -> None:
    """Do what is due, as a worker does, once or several times."""
    for _ in range(rounds):
        for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
            drain.work_on(operation)


def posts(account: Account) -> list[object]:
    return [entry for entry in account.ledger() if (entry.method, entry.path) == POST]


def read(instance: Instance) -> Instance:
    instance.refresh_from_db()
    return instance
