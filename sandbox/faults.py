"""Which fault strikes which request: named, scoped, counted, per account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Scope = Callable[[str, str], bool]


class UnknownFaultError(Exception):
    """There is no fault of that name, or it does not take such an option."""


@dataclass
class Fault:
    """
    One fault, waiting for its requests.

    `times` None means for ever; `skip` lets that many matching requests through first. With
    `method` or `path` (a prefix, or all of it if it ends in "$") it strikes there instead of where its
    kind usually does. One that is `first_only` lets whatever repeats an earlier request pass: one
    with the very tags of it. One `behind` another, such as "GET /instances/1", sleeps until that
    request has met a fault.
    """

    name: str
    times: int | None = 1
    options: dict[str, Any] = field(default_factory=dict)
    method: str | None = None
    path: str | None = None
    skip: int = 0
    first_only: bool = False
    behind: str = ""
    fired: int = 0

    def matches(self, method: str, path: str) -> bool:
        if self.method is None and self.path is None:
            return SCOPES.get(self.name, creates)(method, path)
        where = self.path or ""
        is_there = path == where[:-1] if where.endswith("$") else path.startswith(where)
        return self.method in (None, method) and is_there

    @property
    def is_spent(self) -> bool:
        return self.times is not None and self.fired >= self.times

    @property
    def text(self) -> str:
        """Say it in the ledger: the name and the options that tell it from others."""
        said = ", ".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        return f"{self.name} ({said})" if said else self.name


@dataclass
class Bends:
    """What the faults of one request change about the platform itself, not about its answer."""

    before: float = 0.0
    after: float = 0.0
    list_lag: float | None = None
    ignores_filter: bool = False
    strips_tags: bool = False
    unmasked: bool = False

    def bend(self, fault: Fault) -> None:
        if fault.name == "latency":
            seconds = float(fault.options.get("seconds", 1.0))
            after = fault.options.get("when", "before") == "after"
            self.after += seconds if after else 0.0
            self.before += 0.0 if after else seconds
        elif fault.name == "list lag":
            self.list_lag = float(fault.options.get("seconds", 30.0))
        self.ignores_filter |= fault.name == "list ignores filter"
        self.strips_tags |= fault.name == "strip tags"
        self.unmasked |= fault.name == "unmasked"


BENDS = {
    "latency": {"seconds", "when"},
    "list lag": {"seconds"},
    "list ignores filter": set[str](),
    "strip tags": set[str](),
    "unmasked": set[str](),
}


class FaultQueue:
    """The faults of one account, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self._tagged: set[tuple[str, tuple[str, ...]]] = set()

    def take(
        self, method: str, path: str, tags: Sequence[str] = ()
    ) -> tuple[Bends, Fault | None, list[Fault]]:
        """
        Choose what strikes this request: every bend, and the first other fault that matches.

        Faults that matched are counted; spent ones leave the queue.
        """
        is_repeat = self._is_repeat(method, tags)
        if not self.waiting:
            return Bends(), None, []
        bends, chosen, struck = Bends(), None, []
        for fault in self.waiting:
            if not fault.matches(method, path) or (chosen and fault.name not in BENDS):
                continue
            if (fault.first_only and is_repeat) or fault.behind:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.fired += 1
            struck.append(fault)
            if fault.name in BENDS:
                bends.bend(fault)
            else:
                chosen = fault
        self.waiting = [fault for fault in self.waiting if not fault.is_spent]
        for fault in self.waiting if struck else ():
            if fault.behind == f"{method} {path}":
                fault.behind = ""
        return bends, chosen, struck

    def _is_repeat(self, method: str, tags: Sequence[str]) -> bool:
        """Tell whether a request with these tags was met before, and remember this one."""
        key = (method, tuple(tags))
        is_known = key in self._tagged
        if tags:
            self._tagged.add(key)
        return is_known


def creates(method: str, path: str) -> bool:
    return method == "POST" and is_collection(path)


def lists(method: str, path: str) -> bool:
    return method == "GET" and is_collection(path)


def is_collection(path: str) -> bool:
    """Say whether this is /instances or /elements/{k}/instances."""
    parts = path.strip("/").split("/")
    return parts == ["instances"] or (
        len(parts) == 3 and parts[0] == "elements" and parts[2] == "instances"
    )


def _touches_instances(method: str, path: str) -> bool:
    return "instances" in path.split("/")


def _asks_identity(method: str, path: str) -> bool:
    return method == "GET" and path == "/organizations/me"


def _anything(method: str, path: str) -> bool:
    return True


SCOPES: dict[str, Scope] = {
    "list ignores filter": lists,
    "list 404 html": lists,
    "list pages fail": lists,
    "unmasked": _touches_instances,
    "refuse secrets": _anything,
    "refuse identity": _asks_identity,
}
