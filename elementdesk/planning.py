"""What differs between instances.yaml and what is there: steps, and the hash that stands for them."""

import argparse
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from elementdesk import wanted
from elementdesk.failures import Exit, NotDoneError, plain
from elementdesk.instances import every, say, say_json
from elementdesk.server import Server
from elementdesk.wanted import Wanted

# An instance in one of these is none any more: one of its name may be made.
GONE = ("rejected", "canceled", "deleted")
AT_REST = ("active", "disabled")
KINDS = ("create", "change", "enable", "disable", "share", "wait")
# What is no secret by its element's own word is one by its name.
SECRET = re.compile(r"pass(word|phrase)?|secret|token|private|api\.?key|credential", re.I)


@dataclass(frozen=True)
class Step:
    """One thing to do; `wish` is what is sent, with references in the place of secrets."""

    kind: str
    name: str
    instance_id: str
    said: str
    wish: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to be done, in its order, and what is there that the file does not name."""

    server: str
    steps: list[Step]
    unmanaged: list[dict[str, Any]]

    @property
    def hash(self) -> str:
        """Stands for exactly these steps on exactly this server."""
        told = json.dumps([self.server, *map(asdict, self.steps)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:20]


def show(server: Server, asked: argparse.Namespace) -> Exit:
    """Print what would be done, and how to do exactly that."""
    plan = made(server, wanted.read(asked.file))
    if asked.json:
        steps = [asdict(step) for step in plan.steps]
        say_json({"plan": plan.hash, "steps": steps, "unmanaged": plan.unmanaged})
        return Exit.DONE
    say(*(plain(f"{step.kind:<10}{step.name}{step.said}") for step in plan.steps))
    say(*(plain(f"unmanaged {row['name']} ({row['id']})") for row in plan.unmanaged))
    counts = [f"{_count(plan, kind)} to {kind}" for kind in KINDS[:-1]]
    waiting = _count(plan, "wait")
    say(f"Plan: {', '.join(counts)}, {waiting} under way, {len(plan.unmanaged)} unmanaged.")
    if len(plan.steps) > waiting:
        say(plain(f"To do exactly this: elementdesk apply {asked.file} --plan {plan.hash}"))
    return Exit.DONE


def _count(plan: Plan, kind: str) -> int:
    return sum(step.kind == kind for step in plan.steps)


def made(server: Server, entries: list[Wanted]) -> Plan:
    """
    Compare what is wanted with what is there.

    :raises NotDoneError: an entry fits none or several, or holds what it must not.
    """
    rows = every(server, {})
    here = [row for row in rows if row["status"] not in GONE]
    matched = [(entry, _match(entry, here)) for entry in entries]
    new = [entry for entry, row in matched if row is None]
    _refuse_what_cannot_be_made(server, new)
    steps = [_creation(entry, rows) for entry in new]
    for entry, row in matched:
        if row is not None:
            steps += _changes(server, entry, row)
    known = {row["id"] for _, row in matched if row is not None}
    unmanaged = [
        {name: row[name] for name in ("id", "name", "element_key", "status")}
        for row in here
        if row["id"] not in known
    ]
    return Plan(server.url, sorted(steps, key=lambda step: KINDS.index(step.kind)), unmanaged)


def _match(entry: Wanted, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    if entry.id:
        found = [row for row in rows if row["id"] == entry.id]
        if not found:
            raise NotDoneError(Exit.USAGE, f"{entry.name}: no instance has the id {entry.id}.")
    else:
        found = [row for row in rows if row["name"] == entry.name]
    if len(found) > 1:
        raise NotDoneError(Exit.USAGE, f"{entry.name}: {len(found)} have this name; give its id.")
    if found and found[0]["element_key"] != entry.element:
        raise NotDoneError(
            Exit.USAGE, f"{entry.name} is an instance of {found[0]['element_key']} already."
        )
    return found[0] if found else None


def _refuse_what_cannot_be_made(server: Server, new: list[Wanted]) -> None:
    bare = [entry.name for entry in new if entry.configuration is None]
    if bare:
        sentence = f"No such instance, and no configuration to make one of: {', '.join(bare)}."
        raise NotDoneError(Exit.USAGE, sentence)
    secret_by_word = {key: _secrets_of(server, key) for key in {entry.element for entry in new}}
    shown = [
        f"{key} of {entry.name}"
        for entry in new
        for key, value in (entry.configuration or {}).items()
        if isinstance(value, str) and not wanted.reference(value)
        if key in secret_by_word[entry.element] or SECRET.search(key)
    ]
    if shown:
        sentence = (
            f"A secret stands in the file: {', '.join(shown)}. Write where it is instead: "
            "env:NAME, file:PATH or prompt:."
        )
        raise NotDoneError(Exit.USAGE, sentence)


def _secrets_of(server: Server, element: str) -> set[str]:
    try:
        told = server.get(f"elements/{element}")
    except NotDoneError as failure:
        if failure.code == Exit.NOT_ALLOWED:
            # The catalog was not read yet; the names decide.
            return set()
        raise
    return {entry["key"] for entry in told["entries"] if entry["is_secret"]}


def _creation(entry: Wanted, rows: list[dict[str, Any]]) -> Step:
    wish = {key: value for key, value in asdict(entry).items() if value not in (None, "", [])}
    # One of this name that is gone was another: the request for this one is no repeat of its.
    gone = [row["id"] for row in rows if row["name"] == entry.name]
    return Step("create", entry.name, "", f" ({entry.element})", wish | {"after": gone[:1]})


def _changes(server: Server, entry: Wanted, row: dict[str, Any]) -> Iterator[Step]:
    wish: dict[str, Any] = {"name": entry.name} if entry.name != row["name"] else {}
    if entry.tags is not None and sorted(entry.tags) != sorted(row["tags"]):
        wish["tags"] = entry.tags
    is_switched = entry.enabled is not None and entry.enabled != (row["status"] == "active")
    missing = list(_missing_shares(server, entry, row))
    if row["status"] not in AT_REST:
        if wish or is_switched or missing:
            yield Step("wait", row["name"], row["id"], f": it is {row['status']}", {})
        return
    if wish:
        said = "; ".join(f"{key} {row[key]} -> {value}" for key, value in wish.items())
        yield Step("change", row["name"], row["id"], f": {said}", wish)
    if is_switched:
        yield Step("enable" if entry.enabled else "disable", row["name"], row["id"], "", {})
    for share in missing:
        whom = share.get("person") or share.get("team")
        yield Step("share", row["name"], row["id"], f": {whom}, {share['level']}", share)


def _missing_shares(server: Server, entry: Wanted, row: dict[str, Any]) -> Iterator[dict[str, str]]:
    if not entry.shares:
        return
    there = [_compared(share) for share in server.get(f"instances/{row['id']}/shares")["items"]]
    yield from (share for share in entry.shares if _compared(share) not in there)


def _compared(share: dict[str, Any]) -> tuple[str, str, str, str]:
    person, team = share.get("person") or "", share.get("team") or ""
    return person, team, share["level"], (share.get("until") or "")[:10]
