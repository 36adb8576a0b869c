"""An instance that exists is disabled and enabled: once asked, made so, and told as it is: what its tests share."""

from collections.abc import Callable
from typing import Any

from instances.models import (
    Instance,
    Operation,
    OperationState,
)
from sandbox.running import Account
from tests.cases import read, the_operation

S = OperationState


Ask = Callable[..., Instance]


Switch = Callable[..., Operation]


def stands(instance: Instance) -> tuple[str, str, bool | None]:
    """Return how its newest operation and its row stand."""
    instance = read(instance)
    return (the_operation(instance).state, instance.status, instance.is_disabled)


def sent(account: Account) -> list[str]:
    """Return the requests that change whether an instance is disabled, in order."""
    return [entry.method for entry in account.ledger() if entry.path.endswith("/enabled")]


def fail(account: Account, kind: str, **options: Any) -> None:
    """Let the next request to disable something end so."""
    account.fault(kind, method="DELETE", path="/instances", **options)
