"""What can be asked of a sandbox wherever it runs: accounts, faults, switches, the ledger."""

import base64
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from sandbox import demo
from sandbox.accounts import ZuoraCredentials

Document = dict[str, Any]


@dataclass(frozen=True)
class Commit:
    """One change of the platform's state."""

    time: float
    deed: str
    instance: int | None


@dataclass(frozen=True)
class Entry:
    """One request as the ledger has it. `status` None: no answer was begun."""

    id: int
    time: float
    account: int | None
    connection: int
    method: str
    path: str
    query: list[list[str]]
    headers: list[list[str]]
    body: bytes
    tags: list[str]
    faults: list[str]
    status: int | None
    bytes_sent: int
    hung_up: bool
    ended_at: float | None
    commits: list[Commit]

    @classmethod
    def parse(cls, document: Document) -> "Entry":
        commits = [Commit(**each) for each in document["commits"]]
        body = base64.b64decode(document["body"])
        return cls(**document | {"commits": commits, "body": body})

    @property
    def created(self) -> list[int]:
        """Give the ids of the instances this request made."""
        deeds = [each for each in self.commits if each.deed == "instance created"]
        return [each.instance for each in deeds if each.instance is not None]


class Steering(ABC):
    """What can be asked of any sandbox, wherever it runs."""

    base_url: str

    @abstractmethod
    def ask(self, method: str, path: str, sent: Document | None = None) -> Any:
        """Make one control call (sandbox/README.md lists them)."""

    def new_account(self) -> "Account":
        return Account(self, self.ask("POST", "accounts"))

    def account(self, number: int) -> "Account":
        return Account(self, self.ask("GET", f"accounts/{number}"))

    def demo_account(self) -> "Account":
        return self.account(demo.ACCOUNT_ID)

    def ledger(self, after: int = 0) -> list[Entry]:
        return [Entry.parse(each) for each in self.ask("GET", "ledger", {"after": after})]

    def connections(self) -> list[Document]:
        """Show every connection: opened_at, fate, number of requests."""
        found: list[Document] = self.ask("GET", "connections")
        return found

    def fault(self, name: str, times: int | None = 1) -> None:
        """Let something go wrong before HTTP: see server.CONNECTION_FAULTS."""
        self.ask("POST", "faults", {"name": name, "times": times})

    def clear_faults(self) -> None:
        self.ask("DELETE", "faults")

    def use_certificate(self, kind: str = "good", newest: str = "") -> None:
        """Show another certificate to new connections (certificates.KINDS); `newest` as TLSv1."""
        self.ask("PUT", "certificate", {"kind": kind, "newest": newest})

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until no late commit is outstanding. :raises TimeoutError: some still are."""
        end = time.monotonic() + seconds
        while self.ask("GET", "")["pending"]:
            if time.monotonic() > end:
                raise TimeoutError("Late commits are still outstanding")
            time.sleep(0.005)


class Account:
    """One account of a sandbox, and everything a test does to it."""

    def __init__(self, sandbox: Steering, document: Document) -> None:
        self._sandbox = sandbox
        self._take(document)

    def _take(self, document: Document) -> None:
        self.id: int = document["id"]
        self.login: str = document["login"]
        self.login_password: str = document["login_password"]
        self.user_secret: str = document["user_secret"]
        self.organization_id: int = document["organization_id"]
        self.organization_name: str = document["organization_name"]
        self.organization_secret: str = document["organization_secret"]
        self.production = ZuoraCredentials(**document["production"])
        self.sandbox = ZuoraCredentials(**document["sandbox"])

    @property
    def authorization(self) -> str:
        """Give the Authorization header's value for platform calls."""
        return f"User {self.user_secret}, Organization {self.organization_secret}"

    def fault(
        self,
        name: str,
        times: int | None = 1,
        *,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
        first_only: bool = False,
        behind: str = "",
        **options: Any,
    ) -> None:
        """Let this account's next matching requests go wrong; `times` None means for ever."""
        self._ask(
            "POST",
            "faults",
            {
                "name": name,
                "times": times,
                "method": method,
                "path": path,
                "skip": skip,
                "first_only": first_only,
                "behind": behind,
                "options": options,
            },
        )

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def faults(self) -> list[Document]:
        """Show the faults still waiting: name, times, fired."""
        found: list[Document] = self._ask("GET", "faults")
        return found

    def release(self) -> None:
        """Let every wait on this account's behalf (hang, latency, late commit) end now."""
        self._ask("POST", "release")

    def set(self, **switches: Any) -> Document:
        """Turn switches (docs/platform-assumptions.md); gives all of them back."""
        found: Document = self._ask("PATCH", "switches", switches)
        return found

    def instances(self, *, deleted: bool = False) -> list[Document]:
        """Show the live (or the deleted) instances with tokens and true configuration values."""
        path = "deleted-instances" if deleted else "instances"
        found: list[Document] = self._ask("GET", path)
        return found

    def only_instance(self) -> Document:
        (instance,) = self.instances()
        return instance

    def add_instance(self, **fields: Any) -> Document:
        """Plant an instance: `element` (key), name, tags, configuration, created_at, disabled, …"""
        found: Document = self._ask("POST", "instances", fields)
        return found

    def add_element(self, **document: Any) -> Document:
        """Plant an element as the catalog would show it: key, name, authentication, configuration, …"""
        found: Document = self._ask("POST", "elements", document)
        return found

    def add_crowd(self, count: int, **fields: Any) -> range:
        """Plant very many instances in one go: name, elements (keys, in turn), tags."""
        found = self._ask("POST", "crowd", {"count": count} | fields)
        return range(found["first"], found["last"] + 1)

    def change_instance(self, number: int, **fields: Any) -> Document:
        """Change an instance behind everyone's back: name, tags, configuration, token, …"""
        found: Document = self._ask("PATCH", f"instances/{number}", fields)
        return found

    def remove_instance(self, number: int) -> None:
        self._ask("DELETE", f"instances/{number}")

    def add_usage(self, instance: int, **fields: Any) -> None:
        """Plant calls of an instance: count, seconds_apart, newest, status, address, path."""
        self._ask("POST", "usage", {"instance": instance} | fields)

    def add_audit_log(self, instance: int, **fields: Any) -> Document:
        """Plant an audit entry: time, method, status, user_id, ip_address, …"""
        found: Document = self._ask("POST", "audit-logs", {"instance_id": instance} | fields)
        return found

    def ledger(self, after: int = 0) -> list[Entry]:
        return [Entry.parse(each) for each in self._ask("GET", "ledger", {"after": after})]

    def add_user(self) -> "Account":
        """Make another user of the same organization, who sees only instances of their own."""
        return Account(self._sandbox, self._ask("POST", "users"))

    def reset_secrets(self) -> None:
        """Replace both secrets, as the vendor's security settings can."""
        self._take(self._ask("POST", "secrets"))

    def _ask(self, method: str, path: str, sent: Document | None = None) -> Any:
        return self._sandbox.ask(method, f"accounts/{self.id}/{path}", sent)
