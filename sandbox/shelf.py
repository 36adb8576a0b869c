"""Where instances lie: rows of SQLite that are read when somebody asks, so memory stays flat."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sandbox import elements
from sandbox.instances import Instance
from sandbox.store import Store

COLUMNS = "id, account, element, deleted, listed_from, token, searched, lowered, tags, document"
PUT = f"INSERT OR REPLACE INTO element_instance ({COLUMNS}) VALUES ({', '.join('?' * 10)})"

Row = tuple[Any, ...]


class Wanted:
    """Which instances are meant; conditions are put together one by one."""

    def __init__(self, account: int, *, deleted: bool = False) -> None:
        self.conditions = ["account = ?", "deleted = ?"]
        self.values: list[Any] = [account, deleted]

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    def tagged(self, tags: list[str], *, any_of: bool) -> None:
        has_tag = "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)"
        joint = " OR " if any_of else " AND "
        if tags:
            self.add(f"({joint.join([has_tag] * len(tags))})", *tags)

    def holding(self, text: str, *, ignore_case: bool) -> None:
        """Ask for a piece of the name or of the element's key."""
        column, piece = ("lowered", text.lower()) if ignore_case else ("searched", text)
        if text:
            self.add(f"instr({column}, ?) > 0", _bytes(piece))

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions)


class Found:
    """The instances that are meant, by id; a slice reads only its own rows."""

    def __init__(self, store: Store, wanted: Wanted, *, newest_first: bool = False) -> None:
        self._database, self._wanted = store.database, wanted
        self._order = "DESC" if newest_first else "ASC"

    def __len__(self) -> int:
        sql = f"SELECT count(*) FROM element_instance WHERE {self._wanted.where}"
        number: int = self._database.execute(sql, self._wanted.values).fetchone()[0]
        return number

    def __getitem__(self, part: slice) -> list[Instance]:
        start = part.start or 0
        size = -1 if part.stop is None else part.stop - start
        # The page is cut from the index first, so that no document before it is read.
        ids = (
            f"SELECT id FROM element_instance WHERE {self._wanted.where} "
            f"ORDER BY id {self._order} LIMIT ? OFFSET ?"
        )
        sql = f"SELECT document FROM element_instance WHERE id IN ({ids}) ORDER BY id {self._order}"
        rows = self._database.execute(sql, (*self._wanted.values, size, start))
        return [_instance(row[0]) for row in rows]


class Shelf:
    """Puts instances there and finds them again; whoever puts them opens the transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, instances: Iterable[Instance]) -> None:
        self.put_records(each.record() for each in instances)

    def put_records(self, records: Iterable[dict[str, Any]]) -> None:
        """Put instances there that exist only as documents; one at a time is in memory."""
        self._store.database.executemany(PUT, _rows(records))

    def find(self, wanted: Wanted, *, newest_first: bool = False) -> Found:
        return Found(self._store, wanted, newest_first=newest_first)

    def by_number(self, account: int, number: int) -> Instance | None:
        wanted = Wanted(account)
        wanted.add("id = ?", number)
        return next(iter(self.find(wanted)[:1]), None)

    def by_token(self, token: str) -> Instance | None:
        sql = (
            "SELECT document FROM element_instance WHERE token = ? AND deleted = 0 "
            "ORDER BY id DESC LIMIT 1"
        )
        row = self._store.database.execute(sql, (_bytes(token),)).fetchone()
        return _instance(row[0]) if row else None

    def last_number(self) -> int:
        row = self._store.database.execute("SELECT max(id) FROM element_instance").fetchone()
        return int(row[0] or 0)


def _rows(records: Iterable[dict[str, Any]]) -> Iterator[Row]:
    for record in records:
        key = elements.BY_ID[record["element_id"]].key
        searched = f"{record['name']}\n{key}"
        yield (
            record["id"],
            record["account_id"],
            record["element_id"],
            record["deleted"],
            record["listed_from"],
            _bytes(record["token"]),
            _bytes(searched),
            _bytes(searched.lower()),
            json.dumps(record["tags"]),
            json.dumps(record),
        )


def _bytes(text: str) -> bytes:
    """Encode what may hold lone surrogates, which SQLite takes as bytes only."""
    return str(text).encode("utf-8", "surrogatepass")


def _instance(document: str) -> Instance:
    return Instance(**json.loads(document))
