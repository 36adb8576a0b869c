"""What was found on the platform waits for a person, and is deleted only by its typed id: what its tests share."""

from collections.abc import Callable

from instances.models import (
    Finding,
    Instance,
)
from sandbox.running import Account

Ask = Callable[..., Instance]


Decide = Callable[..., Instance | None]


def read(finding: Finding) -> Finding:
    finding.refresh_from_db()
    return finding


def deletions(account: Account) -> list[str]:
    return [entry.path for entry in account.ledger() if entry.method == "DELETE"]
