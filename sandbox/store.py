"""Where the platform's state lies: SQLite, in a folder that survives kill -9, or in a temporary file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS element (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS instance (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS element_instance (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, element INTEGER NOT NULL,
    deleted INTEGER NOT NULL, listed_from REAL NOT NULL, token BLOB NOT NULL,
    searched BLOB NOT NULL, lowered BLOB NOT NULL, tags TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS element_instance_account
    ON element_instance (account, deleted, id, listed_from);
CREATE INDEX IF NOT EXISTS element_instance_token ON element_instance (token);
CREATE TABLE IF NOT EXISTS connection (
    id INTEGER PRIMARY KEY, opened_at REAL NOT NULL, fate TEXT NOT NULL, requests INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, account INTEGER, connection INTEGER NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, headers TEXT NOT NULL,
    body BLOB NOT NULL, tags TEXT NOT NULL, faults TEXT NOT NULL, status INTEGER,
    bytes_sent INTEGER NOT NULL, hung_up INTEGER NOT NULL, ended_at REAL
);
CREATE INDEX IF NOT EXISTS entry_account ON entry (account);
CREATE TABLE IF NOT EXISTS deed (
    id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, time REAL NOT NULL, deed TEXT NOT NULL,
    instance INTEGER
);
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, organization INTEGER NOT NULL,
    account INTEGER NOT NULL, time REAL NOT NULL, instance INTEGER, failed INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS record_time ON record (kind, organization, time);
CREATE INDEX IF NOT EXISTS record_instance ON record (kind, instance, time);
CREATE INDEX IF NOT EXISTS deed_entry ON deed (entry);
"""


class Store:
    """One connection, used by the server's thread only. Every statement outside `together` commits."""

    def __init__(self, folder: Path | None = None) -> None:
        self.database = sqlite3.connect(
            _location(folder), isolation_level=None, check_same_thread=False
        )
        # In WAL mode NORMAL loses nothing when the process dies; only a power cut could.
        self.database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make the statements inside one transaction."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def save_account(self, number: int, document: dict[str, Any]) -> None:
        statement = "INSERT OR REPLACE INTO account VALUES (?, ?)"
        self.database.execute(statement, (number, json.dumps(document)))

    def accounts(self) -> list[dict[str, Any]]:
        rows = self.database.execute("SELECT document FROM account ORDER BY id")
        return [json.loads(row[0]) for row in rows]

    def save_element(self, number: int, account: int, document: dict[str, Any]) -> None:
        statement = "INSERT INTO element VALUES (?, ?, ?)"
        self.database.execute(statement, (number, account, json.dumps(document)))

    def elements(self) -> list[tuple[int, int, dict[str, Any]]]:
        """Give number, owner's account and document of every invented element, oldest first."""
        rows = self.database.execute("SELECT id, account, document FROM element ORDER BY id")
        return [(number, account, json.loads(text)) for number, account, text in rows]

    def take_older_instances(self) -> list[dict[str, Any]]:
        """Empty the table that folders of earlier versions keep their instances in."""
        rows = self.database.execute("DELETE FROM instance RETURNING document").fetchall()
        return [json.loads(row[0]) for row in rows]

    def close(self) -> None:
        self.database.close()


def _location(folder: Path | None) -> str:
    if folder is None:
        return ""  # SQLite's own temporary file: gone with the connection, and no memory grows
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / "sandbox.sqlite3")
