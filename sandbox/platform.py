"""The platform's state and its changes; each change is on disk before the caller can answer."""

import asyncio
from pathlib import Path
from typing import Any

from sandbox import accounts, crowd, demo, instances, unseen
from sandbox.accounts import Account
from sandbox.catalog import Element
from sandbox.faults import FaultQueue
from sandbox.grants import Grants
from sandbox.instances import Instance
from sandbox.ledger import Entry, Ledger
from sandbox.records import Records
from sandbox.shelf import Shelf, Wanted
from sandbox.store import Store


class Platform:
    """Everything the stand-in knows. Used by the server's thread only."""

    def __init__(self, folder: Path | None = None) -> None:
        self.store = Store(folder)
        self.ledger = Ledger(self.store)
        self.records = Records(self.store)
        self.grants = Grants()
        self.public_origin = ""
        self.accounts: dict[int, Account] = {}
        self.faults: dict[int, FaultQueue] = {}
        self.released: dict[int, asyncio.Event] = {}
        self.by_user_secret: dict[str, Account] = {}
        self.by_bearer: dict[str, Account] = {}
        self.invented: dict[int, list[Element]] = {}
        self.shelf = Shelf(self.store)
        self._restore()
        self._next_instance_id = max(1000, self.shelf.last_number() + 1)

    def _restore(self) -> None:
        for document in self.store.accounts():
            self._know(Account.from_document(document))
        if not self.accounts:
            self.add_account(demo.account())
        for number, owner, document in self.store.elements():
            new = unseen.element_from(document, number)
            self.invented[owner] = unseen.replaced(self.invented[owner], new)
        with self.store.together():
            self.shelf.put(Instance(**each) for each in self.store.take_older_instances())

    # Accounts

    def add_account(self, account: Account | None = None) -> Account:
        account = account or accounts.new_account(self._next_account_id())
        self._know(account)
        self.save_account(account)
        return account

    def add_colleague(self, account: Account) -> Account:
        return self.add_account(accounts.colleague(account, self._next_account_id()))

    def save_account(self, account: Account) -> None:
        self.store.save_account(account.id, account.document())

    def reset_secrets(self, account: Account) -> None:
        """Give the account new secrets; headers that carry the old ones are refused from now on."""
        del self.by_user_secret[account.user_secret]
        fresh = accounts.new_account(account.id)
        account.user_secret = fresh.user_secret
        account.organization_secret = fresh.organization_secret
        self._know(account)
        self.save_account(account)

    def log_in(self, login: str, password: str) -> str | None:
        """Give a bearer token for a user's name and password, or None."""
        found = [
            a for a in self.accounts.values() if (a.login, a.login_password) == (login, password)
        ]
        if not found:
            return None
        token = accounts.new_token()
        found[0].bearer_tokens.append(token)
        self._know(found[0])
        self.save_account(found[0])
        return token

    def _know(self, account: Account) -> None:
        self.accounts[account.id] = account
        self.by_user_secret[account.user_secret] = account
        self.by_bearer.update(dict.fromkeys(account.bearer_tokens, account))
        self.invented.setdefault(account.id, [])
        self.faults.setdefault(account.id, FaultQueue())
        self.released.setdefault(account.id, asyncio.Event())

    def _next_account_id(self) -> int:
        return max(self.accounts, default=0) + 1

    def release(self, account: Account) -> None:
        """Let everything that waits on this account's behalf happen now."""
        self.released[account.id].set()
        self.released[account.id] = asyncio.Event()

    async def pause(self, account: Account | None, seconds: float | None) -> None:
        """Wait so long, or until the account is released; None waits for the release alone."""
        if seconds == 0 or (account is None and seconds is None):
            return
        event = self.released[account.id] if account else asyncio.Event()
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return

    # Elements

    def invent(self, account: Account, document: dict[str, Any]) -> Element:
        """Add an element to the account's catalog. :raises ValueError: the document is none."""
        new = unseen.element_from(document)
        self.store.save_element(new.id, account.id, document)
        self.invented[account.id] = unseen.replaced(self.invented[account.id], new)
        return new

    @property
    def all_invented(self) -> list[Element]:
        return [each for known in self.invented.values() for each in known]

    # Instances

    def add_instance(self, account: Account, entry: Entry | None = None, **fields: Any) -> Instance:
        """Create an instance. The counter of ids is one for the whole platform."""
        number = self._next_instance_id
        self._next_instance_id += 1
        fields.setdefault("token", accounts.new_token())
        instance = Instance(id=number, account_id=account.id, **fields)
        self._commit(instance, entry, "instance created")
        return instance

    def change_instance(
        self, instance: Instance, entry: Entry | None = None, **fields: Any
    ) -> Instance:
        for name, value in fields.items():
            setattr(instance, name, value)
        self._commit(instance, entry, "instance changed")
        return instance

    def delete_instance(self, instance: Instance, entry: Entry | None = None) -> None:
        instance.deleted = True
        self._commit(instance, entry, "instance deleted")

    def find_instance(self, account: Account, number: int) -> Instance | None:
        return self.shelf.by_number(account.id, number)

    def add_crowd(self, account: Account, count: int, **fields: Any) -> range:
        """Add many instances in one transaction; the ledger, which they would swell, is not told."""
        numbers = range(self._next_instance_id, self._next_instance_id + count)
        with self.store.together():
            self.shelf.put_records(crowd.records(account.id, numbers, **fields))
        self._next_instance_id = numbers.stop
        return numbers

    def documents_of(self, account: Account, *, deleted: bool = False) -> list[dict[str, Any]]:
        """Show the account's instances in full, true configuration values included."""
        found = self.shelf.find(Wanted(account.id, deleted=deleted))
        return [instances.document(each, account, unmasked=True) for each in found[:]]

    def _commit(self, instance: Instance, entry: Entry | None, deed: str) -> None:
        with self.store.together():
            self.shelf.put([instance])
            self.ledger.committed(entry, deed, instance.id)
