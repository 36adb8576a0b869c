"""The record of what really happened: every connection, request, fault and commit."""

import base64
import json
import sqlite3
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.messages import Request
from sandbox.store import Store

COLUMNS = (
    "id, time, account, connection, method, path, query, headers, body, tags, faults, status, "
    "bytes_sent, hung_up, ended_at"
)


@dataclass
class Entry:
    """One request while it is being answered; `touched` is the instance that it changed."""

    id: int
    account: int | None
    tags: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    status: int | None = None
    bytes_sent: int = 0
    hung_up: bool = False
    touched: int | None = None


class Ledger:
    """Writes as things happen, so that a killed sandbox leaves what it had seen."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    def connected(self) -> int:
        sql = "INSERT INTO connection (opened_at, fate, requests) VALUES (?, 'open', 0)"
        return self._insert(sql, (time.time(),))

    def disconnected(self, connection: int, fate: str, requests: int) -> None:
        sql = "UPDATE connection SET fate = ?, requests = ? WHERE id = ?"
        self._database.execute(sql, (fate, requests, connection))

    def open(
        self, request: Request, path: str, account: int | None, connection: int, came_at: float
    ) -> Entry:
        """Write down a request, and when it came, before anything is decided about it."""
        tags = tags_named_in(request)
        sql = f"INSERT INTO entry ({COLUMNS}) VALUES (NULL, {', '.join('?' * 14)})"
        number = self._insert(
            sql,
            (
                came_at,
                account,
                connection,
                request.method,
                path,
                json.dumps(request.query),
                json.dumps(request.headers),
                request.body,
                json.dumps(tags),
                "[]",
                None,
                0,
                False,
                None,
            ),
        )
        return Entry(number, account, tags)

    def committed(self, entry: Entry | None, deed: str, instance: int | None) -> None:
        """Note a change of the platform's state; None as entry means that a test planted it."""
        sql = "INSERT INTO deed (entry, time, deed, instance) VALUES (?, ?, ?, ?)"
        self._insert(sql, (entry.id if entry else 0, time.time(), deed, instance))
        if entry:
            entry.touched = instance

    def update(self, entry: Entry, *, ended: bool = False) -> None:
        sql = (
            "UPDATE entry SET faults = ?, status = ?, bytes_sent = ?, hung_up = ?, ended_at = ? "
            "WHERE id = ?"
        )
        ended_at = time.time() if ended else None
        values = (json.dumps(entry.faults), entry.status, entry.bytes_sent, entry.hung_up)
        self._database.execute(sql, (*values, ended_at, entry.id))

    def entries(self, account: int | None = None, after: int = 0) -> list[dict[str, Any]]:
        """Read the entries as JSON documents, oldest first; bodies in base64."""
        # Two statements, since "any or this one" would go through all of them.
        chosen, values = "entry.id > ?", [after]
        if account is not None:
            chosen, values = f"{chosen} AND account = ?", [after, account]
        sql = f"SELECT {COLUMNS} FROM entry WHERE {chosen} ORDER BY id"
        rows = self._database.execute(sql, values).fetchall()
        deeds = self._deeds_by_entry(chosen, values)
        return [_document(row) | {"commits": deeds.get(row[0], [])} for row in rows]

    def connections(self) -> list[dict[str, Any]]:
        sql = "SELECT id, opened_at, fate, requests FROM connection ORDER BY id"
        names = ("id", "opened_at", "fate", "requests")
        return [dict(zip(names, row, strict=True)) for row in self._database.execute(sql)]

    def _deeds_by_entry(self, chosen: str, values: list[int]) -> dict[int, list[dict[str, Any]]]:
        sql = (
            "SELECT entry, deed.time, deed, instance FROM entry JOIN deed ON entry.id = deed.entry "
            f"WHERE {chosen} ORDER BY deed.id"
        )
        found: dict[int, list[dict[str, Any]]] = {}
        for entry, moment, deed, instance in self._database.execute(sql, values):
            found.setdefault(entry, []).append({"time": moment, "deed": deed, "instance": instance})
        return found

    def _insert(self, sql: str, values: tuple[Any, ...]) -> int:
        return self._database.execute(sql, values).lastrowid or 0


def tags_named_in(request: Request) -> list[str]:
    """Collect the tags a request speaks of, in its query or its body."""
    tags = [value for name, value in request.query if name in ("tags[]", "tags")]
    try:
        sent = json.loads(request.body).get("tags") if request.body else None
    except (ValueError, AttributeError, RecursionError):
        return tags
    return tags + [tag for tag in sent if isinstance(tag, str)] if isinstance(sent, list) else tags


def _document(row: tuple[Any, ...] | sqlite3.Row) -> dict[str, Any]:
    document = dict(zip(COLUMNS.split(", "), row, strict=True))
    for name in ("query", "headers", "tags", "faults"):
        document[name] = json.loads(document[name])
    document["body"] = base64.b64encode(document["body"]).decode()
    document["hung_up"] = bool(document["hung_up"])
    return document
