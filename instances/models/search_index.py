"""
An index of every three letters in a row, made after each `migrate` where it is missing.

PostgreSQL: its extension pg_trgm. SQLite: a table of FTS5 that triggers fill; they are made anew
whenever a migration has made Instance's table anew. Without either, search reads along the lists.
"""

from collections.abc import Iterable

import structlog
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL

logger = structlog.get_logger(__name__)

INDEX, TABLE = "instance_by_words", "instances_instance"
POSTGRESQL = (
    "SET statement_timeout = 0",
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",
    f"CREATE INDEX CONCURRENTLY {INDEX} ON {TABLE}"
    " USING gin (name gin_trgm_ops, element_key gin_trgm_ops)",
    # The plan depends on how common a word is; a hundred samples do not tell.
    f"ALTER TABLE {TABLE} ALTER name SET STATISTICS 1000",
    f"ANALYZE {TABLE}",
    "RESET statement_timeout",
)
OF_ROW = f"rowid = (SELECT number FROM {INDEX}_row WHERE instance = OLD.id)"
SQLITE = (
    *(f"DROP TRIGGER IF EXISTS {INDEX}_{event}" for event in ("insert", "update", "delete")),
    f"DROP TABLE IF EXISTS {INDEX}",
    f"DROP TABLE IF EXISTS {INDEX}_row",
    # Rows of Instance have no number that lasts, which FTS5 needs.
    f"CREATE TABLE {INDEX}_row (number INTEGER PRIMARY KEY, instance TEXT NOT NULL UNIQUE)",
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5(name, element_key, tokenize='trigram')",
    f"INSERT INTO {INDEX}_row (instance) SELECT id FROM {TABLE}",
    f"INSERT INTO {INDEX} (rowid, name, element_key)"
    f" SELECT number, name, element_key FROM {INDEX}_row JOIN {TABLE} ON id = instance",
    f"CREATE TRIGGER {INDEX}_insert AFTER INSERT ON {TABLE} BEGIN"
    f" INSERT INTO {INDEX}_row (instance) VALUES (NEW.id);"
    f" INSERT INTO {INDEX} (rowid, name, element_key)"
    f" SELECT number, NEW.name, NEW.element_key FROM {INDEX}_row WHERE instance = NEW.id; END",
    f"CREATE TRIGGER {INDEX}_update AFTER UPDATE OF name, element_key ON {TABLE}"
    " WHEN OLD.name <> NEW.name OR OLD.element_key <> NEW.element_key BEGIN"
    f" UPDATE {INDEX} SET name = NEW.name, element_key = NEW.element_key WHERE {OF_ROW}; END",
    f"CREATE TRIGGER {INDEX}_delete AFTER DELETE ON {TABLE} BEGIN"
    f" DELETE FROM {INDEX} WHERE {OF_ROW};"
    f" DELETE FROM {INDEX}_row WHERE instance = OLD.id; END",
)
STANDS = {
    "postgresql": "SELECT 1 FROM pg_index JOIN pg_class ON oid = indexrelid"
    f" WHERE relname = '{INDEX}' AND indisvalid",
    "sqlite": f"SELECT 1 FROM sqlite_master WHERE name = '{INDEX}_delete' AND tbl_name = '{TABLE}'",
}


def stands(database: BaseDatabaseWrapper = connection) -> bool:
    """Tell whether the index is there and complete."""
    with database.cursor() as cursor:
        cursor.execute(STANDS[database.vendor])
        return cursor.fetchone() is not None


def make(database: BaseDatabaseWrapper = connection) -> None:
    """Make the index if it is missing; where the database cannot, say so and go on without."""
    if database.in_atomic_block or stands(database):
        return
    try:
        if database.vendor == "postgresql":
            _run(database, POSTGRESQL)
        else:
            with transaction.atomic(database.alias):
                _run(database, SQLITE)
    except DatabaseError as error:
        logger.warning("search has no index, and reads many rows", error=str(error))


def make_after(*, using: str, **_kwargs: object) -> None:
    """Make the index if the migrations that have just run left it missing."""
    make(connections[using])


def _run(database: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def words_of(text: str) -> str:
    """Return what to ask SQLite's index for: all that it holds of `text`, nothing if that is nothing."""
    held = "".join(letter if _is_folded(letter) else "\0" for letter in text)
    quoted = (run.replace('"', '""') for run in held.split("\0") if len(run) > 2)
    return " ".join(f'"{run}"' for run in quoted)


DOTLESS_I = "\N{LATIN SMALL LETTER DOTLESS I}"


def _is_folded(letter: str) -> bool:
    """Tell whether FTS5 takes every form of a letter for the same, as it does in old alphabets."""
    number = ord(letter)
    known = number < 0x250 or 0x386 <= number <= 0x3CE or 0x400 <= number <= 0x527
    return (known and letter != DOTLESS_I) or letter.lower() == letter.upper()


def holds_few(words: str, most: int) -> bool:
    """Tell whether SQLite's index stands, and holds at most so many rows with these words."""
    if not stands():
        return False
    with connection.cursor() as cursor:
        some = f"SELECT 1 FROM {INDEX} WHERE {INDEX} MATCH %s LIMIT %s"
        cursor.execute(f"SELECT COUNT(*) FROM ({some})", [words, most + 1])
        return int(cursor.fetchone()[0]) <= most


def ids(words: str) -> RawSQL:
    """Return the ids of the rows with these words, from SQLite's index."""
    numbers = f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s"
    return RawSQL(f"SELECT instance FROM {INDEX}_row WHERE number IN ({numbers})", [words])
