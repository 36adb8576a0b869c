"""Triggers in the test's database that write down every move, so that nothing of ours is patched."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

TABLE = {
    "postgresql": "CREATE TABLE fault_trace (id bigserial PRIMARY KEY, at double precision, "
    "what text, row_id text, old text, new text, old_epoch integer, new_epoch integer, owner text)",
    "sqlite": "CREATE TABLE fault_trace (id integer PRIMARY KEY, at real, "
    "what text, row_id text, old text, new text, old_epoch integer, new_epoch integer, owner text)",
}
NOW = {
    "postgresql": "extract(epoch FROM clock_timestamp())",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}
COLUMNS = "(at, what, row_id, old, new, old_epoch, new_epoch, owner)"
# Name, when it fires, on which table, under which condition, and what it writes down.
TRIGGERS = [
    (
        "operation_moves",
        "UPDATE",
        "instances_operation",
        "OLD.state <> NEW.state OR OLD.lease_epoch <> NEW.lease_epoch",
        "'operation', NEW.id, OLD.state, NEW.state, OLD.lease_epoch, NEW.lease_epoch, "
        "OLD.lease_owner",
    ),
    (
        "attempt_opens",
        "INSERT",
        "instances_attempt",
        "",
        "'attempt', NEW.operation_id, '', NEW.outcome, "
        "(SELECT lease_epoch FROM instances_operation WHERE id = NEW.operation_id), NEW.epoch, ''",
    ),
    (
        "attempt_ends",
        "UPDATE",
        "instances_attempt",
        "OLD.outcome <> NEW.outcome",
        "'attempt', NEW.operation_id, OLD.outcome, NEW.outcome, NEW.epoch, NEW.epoch, ''",
    ),
    (
        "breaker_moves",
        "UPDATE",
        "instances_organization",
        "OLD.breaker <> NEW.breaker",
        "'breaker', NEW.id, OLD.breaker, NEW.breaker, 0, 0, ''",
    ),
]


@dataclass(frozen=True)
class Step:
    """One move of one row; `at` in seconds since 1970."""

    at: float
    what: str
    row_id: UUID
    old: str
    new: str
    old_epoch: int
    new_epoch: int
    owner: str


def install() -> None:
    """Make the table and the triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TABLE[connection.vendor])
        for trigger in TRIGGERS:
            for statement in _statements(*trigger):
                cursor.execute(statement)


def mend() -> None:
    """Make triggers again that went with a table: SQLite makes most changes of a table by making another."""
    if connection.vendor != "sqlite":
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for trigger in TRIGGERS:
            for statement in _statements(*trigger):
                cursor.execute(
                    statement.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1)
                )


def remove() -> None:
    """Take table and triggers away again."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name, _event, table, *_rest in TRIGGERS:
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER trace_{name}{on}")
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP FUNCTION trace_{name}()")
        cursor.execute("DROP TABLE fault_trace")


def _statements(name: str, event: str, table: str, condition: str, values: str) -> list[str]:
    insert = f"INSERT INTO fault_trace {COLUMNS} SELECT {NOW[connection.vendor]}, {values};"
    when = f"WHEN ({condition})" if condition else ""
    head = f"CREATE TRIGGER trace_{name} AFTER {event} ON {table} FOR EACH ROW {when}"
    if connection.vendor == "sqlite":
        return [f"{head} BEGIN {insert} END"]
    function = (
        f"CREATE FUNCTION trace_{name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {insert} RETURN NULL; END $$"
    )
    return [function, f"{head} EXECUTE FUNCTION trace_{name}()"]


def steps() -> list[Step]:
    """Read what was written down, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, what, row_id, old, new, old_epoch, new_epoch, owner "
            "FROM fault_trace ORDER BY id"
        )
        rows = cursor.fetchall()
    return [Step(at, what, UUID(row_id), *rest) for at, what, row_id, *rest in rows]
