"""Claims: whose turn it is, how many at once, and that one claim in a batch never harms another: what its tests share."""

from collections.abc import Callable

from instances.engine.claims import Claim, lease
from instances.models import (
    Instance,
    Operation,
)

Ask = Callable[..., Instance]


def claim(limit: int = 10) -> list[Operation]:
    return Operation.objects.claim(worker="test", limit=limit, lease=lease())


def hold(operation: Operation) -> Claim:
    return Claim(operation, operation.lease_epoch)


class Counting:
    """Count the statements of this connection."""

    number = 0

    def __call__(self, execute: Callable[..., object], *args: object) -> object:
        self.number += 1
        return execute(*args)
