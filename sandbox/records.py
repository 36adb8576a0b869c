"""The rows behind usage and audit logs, and slices of them that are read only when asked for."""

import json
from typing import Any

from sandbox.store import Store

USAGE, AUDIT = "usage", "audit"
COLUMNS = "kind, organization, account, time, instance, failed, document"
PER_INTERVAL = (
    "SELECT strftime(?, time, 'unixepoch') AS began, count(*), sum(failed), "
    "avg(json_extract(document, '$.process_time')) FROM record"
)
INTERVALS = {
    "year": "%Y-01-01T00:00:00Z",
    "month": "%Y-%m-01T00:00:00Z",
    "day": "%Y-%m-%dT00:00:00Z",
    "hour": "%Y-%m-%dT%H:00:00Z",
    "minute": "%Y-%m-%dT%H:%M:00Z",
}

Row = tuple[str, int, int, float, int | None, bool, str]


class Question:
    """Conditions put together one by one; every value is a parameter."""

    def __init__(self, kind: str) -> None:
        self.conditions = ["kind = ?"]
        self.values: list[Any] = [kind]

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    def any_of(self, expression: str, values: list[Any]) -> None:
        """Ask for one of the values; an empty list asks for nothing."""
        if values:
            self.add(f"{expression} IN ({', '.join('?' * len(values))})", *values)

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions)


class Found:
    """The answer to a question, newest first; a slice reads only its own rows."""

    def __init__(self, store: Store, question: Question) -> None:
        self._database, self._question = store.database, question

    def __len__(self) -> int:
        sql = f"SELECT count(*) FROM record WHERE {self._question.where}"
        number: int = self._database.execute(sql, self._question.values).fetchone()[0]
        return number

    def __getitem__(self, wanted: slice) -> list[dict[str, Any]]:
        start = wanted.start or 0
        size = -1 if wanted.stop is None else wanted.stop - start
        sql = (
            f"SELECT document FROM record WHERE {self._question.where} "
            "ORDER BY time DESC, id DESC LIMIT ? OFFSET ?"
        )
        rows = self._database.execute(sql, (*self._question.values, size, start))
        return [json.loads(row[0]) for row in rows]

    def per(self, interval: str) -> list[tuple[str, int, int, float]]:
        """Count per interval: its beginning, calls, failed ones, average milliseconds."""
        sql = f"{PER_INTERVAL} WHERE {self._question.where} GROUP BY began ORDER BY began"
        values = (INTERVALS[interval], *self._question.values)
        return self._database.execute(sql, values).fetchall()


class Records:
    """Writes the rows; a call is on disk before it is answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, rows: list[Row]) -> None:
        sql = f"INSERT INTO record ({COLUMNS}) VALUES ({', '.join('?' * 7)})"
        with self._store.together():
            self._store.database.executemany(sql, rows)

    def find(self, question: Question) -> Found:
        return Found(self._store, question)
