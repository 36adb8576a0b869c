"""The database is there, but full, locked, in a deadlock, or copied in the middle of its work."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
from django.db import connection
from psycopg.errors import DeadlockDetected

from instances.models import OperationState
from tests.faults.ground import Ground, Row
from tests.faults.process_rows import DATABASE_AWAY, LATENCY, disturb
from tests.faults.processes import wait_until

S = OperationState
FULL_SECONDS = 4.0
# Longer than `lock_timeout` on PostgreSQL, and than SQLite waits for its only lock.
LOCKED_SECONDS = 7.0
SQLITE_LOCKED_SECONDS = 23.0
MOST_TRIES = 3
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


def no_connections_left(ground: Ground) -> None:
    """F13: somebody else holds every connection that the database has."""
    ground.expected_tracebacks += DATABASE_AWAY

    def fill() -> None:
        was_full, end = False, time.monotonic() + FULL_SECONDS
        with ExitStack() as held:
            while time.monotonic() < end:
                try:
                    held.enter_context(_session())
                except psycopg.OperationalError:
                    was_full = True
                    time.sleep(0.02)
        ground.injected += was_full

    disturb(ground, fill, every=(0.5, 1.5), times=max(2, ground.operations // 60))


def locked_rows(ground: Ground) -> None:
    """F14: a session keeps the organization's row; another locks rows in the other order."""
    ground.expected_tracebacks += DATABASE_AWAY

    ground.account.fault("latency", times=None, seconds=LATENCY)
    load = ground.in_background(ground.operations, LOCKED_SECONDS)
    held = _hold_organization(ground)
    load.join()
    ground.settle()
    times = max(2, ground.operations // 30)
    crossed, tried = 0, 0
    # A worker that is quicker than we are is no clash, and is tried again.
    while crossed < times and tried < MOST_TRIES * times:
        crossed, tried = crossed + _cross(ground), tried + 1
    ground.settle()
    ground.injected, ground.needed = held + crossed, 1 + times
    ground.expect("all active", ground.count(S.SUCCEEDED) == len(ground.case.accepted))


def _session() -> psycopg.Connection:
    place = connection.settings_dict
    return psycopg.connect(dbname=place["NAME"], host=place["HOST"], user=place["USER"])


def _hold_organization(ground: Ground) -> bool:
    """Keep the row for longer than anybody waits; return whether somebody waited."""
    with _session() as holder, _session() as watcher:
        watcher.autocommit = True
        sql = "SELECT 1 FROM instances_organization WHERE id = %s FOR UPDATE"
        holder.execute(sql, [ground.case.organization_id])
        end = time.monotonic() + LOCKED_SECONDS
        waited = wait_until(lambda: _number(watcher, WAITING), LOCKED_SECONDS)
        time.sleep(max(0.0, end - time.monotonic()))
        holder.rollback()
    return waited


def _cross(ground: Ground) -> bool:
    """Lock instance, then operation, while a worker goes the other way; return if that clashed."""
    ground.submit(1)
    operation = ground.rows().latest("pk")
    sending = ground.rows().filter(pk=operation.pk, state=S.SENDING)
    wait_until(sending.exists, LOCKED_SECONDS, 0.02)
    with _session() as holder, _session() as watcher:
        watcher.autocommit = True
        before = _number(watcher, DEADLOCKS)
        sql = "SELECT 1 FROM instances_instance WHERE id = %s FOR UPDATE"
        holder.execute(sql, [operation.instance_id])
        wait_until(lambda: _number(watcher, WAITING), LOCKED_SECONDS, 0.02)
        with suppress(DeadlockDetected):
            sql = "SELECT 1 FROM instances_operation WHERE id = %s FOR UPDATE"
            holder.execute(sql, [operation.pk])
        holder.rollback()
        return wait_until(lambda: _number(watcher, DEADLOCKS) > before, LOCKED_SECONDS)


def _number(session: psycopg.Connection, sql: str) -> int:
    row = session.execute(sql).fetchone()
    return int(row[0]) if row else 0


def locked_file(ground: Ground) -> None:
    """F15: the only lock is held for longer than anybody waits; a copy made amid a commit."""
    ground.expected_tracebacks += DATABASE_AWAY
    name = str(connection.settings_dict["NAME"])

    def disturb_file() -> None:
        hold = [sys.executable, "-c", HOLD, name, str(SQLITE_LOCKED_SECONDS)]
        ground.injected += subprocess.run(hold).returncode == 0
        time.sleep(1)
        ground.stack.workers[0].kill()
        ground.expect("a copy is whole", _copy_is_whole(ground, name))

    disturb(ground, disturb_file, every=(0.5, 1.5), times=1)


def _copy_is_whole(ground: Ground, name: str) -> bool:
    """Copy file and log, as after a power cut without the shared index, and check the copy."""
    still = [ground.stack.web, *ground.stack.workers]
    copy = ground.stack.folder / "copy.sqlite3"
    for process in still:
        process.signal(signal.SIGSTOP)
    try:
        # By another process: closing the file here would drop the locks of our own connection.
        for end in ("", "-wal"):
            subprocess.run(["/bin/cp", f"{name}{end}", f"{copy}{end}"], check=True)
    finally:
        for process in still:
            process.signal(signal.SIGCONT)
    return is_whole(copy)


def is_whole(path: Path) -> bool:
    """Return whether SQLite finds nothing wrong in a file, and our rows in it."""
    with sqlite3.connect(path) as opened:
        said = opened.execute("PRAGMA integrity_check").fetchone()
        rows = opened.execute("SELECT count(*) FROM instances_operation").fetchone()
    opened.close()
    return bool(said == ("ok",) and rows[0])


ROWS = [
    Row(
        "F13",
        "no connection to the database left",
        no_connections_left,
        is_ci=False,
        is_alone=True,
        only="postgresql",
    ),
    Row(
        "F14",
        "locked rows, and deadlocks",
        locked_rows,
        is_ci=False,
        is_alone=True,
        only="postgresql",
    ),
    Row(
        "F15",
        "the file's only lock held, a copy amid a commit",
        locked_file,
        is_ci=False,
        is_alone=True,
        only="sqlite",
    ),
]
