"""The platform's client against the sandbox: what is sent, what is read, how failures are named: what its tests share."""

from collections.abc import Callable

from instances.cloud_elements import (
    CloudElementsClient,
)
from sandbox.running import Account, Entry

Connect = Callable[..., CloudElementsClient]


# Too long to be read whole, or two ids for one instance: its number is asked for afterwards.
UNREADABLE = {"many keys", "duplicate keys"}


def only_post(account: Account) -> Entry:
    (entry,) = [entry for entry in account.ledger() if entry.method == "POST"]
    return entry
