"""The disk under the database is full, dies, or lets nobody write; and the one of logs is full."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from subprocess import run
from sys import executable

import psycopg
from django.db import connection

from instances.models import OperationState
from tests.faults.database_rows import is_whole
from tests.faults.disk import MEGABYTE, Disk, DyingDisk, size_of, under_database
from tests.faults.driver import Accepted
from tests.faults.ground import Ground, Row
from tests.faults.process_rows import DATABASE_AWAY, LATENCY, disturb
from tests.faults.processes import wait_until

S = OperationState
# Beside what is there: less than what a run writes, were it not taken away by the filler.
ROOM_MB = 40
FULL_SECONDS = 5.0
REFUSED_SECONDS = 60.0
# What was answered before may still be on its way then.
ANSWERS_SECONDS = 1.5
LOGS_MB = 8
DISK_AWAY = [*DATABASE_AWAY, "DiskFull", "IoError", "UndefinedFile", "CannotConnectNow"]
EMPTY_LOG = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=20).execute("PRAGMA wal_checkpoint(TRUNCATE)")
"""


def full_disk(ground: Ground) -> None:
    """F38: no room for the database: 503 and nothing taken; it goes on once there is room."""
    ground.expected_tracebacks += DISK_AWAY
    disk = Disk(size_of(ground.stack.database_folder) + ROOM_MB)
    with under_database(ground.stack, disk), _more(ground) as ask:

        def fill() -> None:
            refused = _refusals(ground)

            def is_refused() -> bool:
                disk.fill()
                ask()
                return _refusals(ground) > refused and disk.free < MEGABYTE

            # Each second time PostgreSQL finds no room for its log, and ends itself.
            with _use_up(ground) if ground.injected % 2 == 0 else nullcontext():
                disk.fill()
            ground.injected += wait_until(is_refused, REFUSED_SECONDS, 1)
            end = time.monotonic() + FULL_SECONDS
            while time.monotonic() < end:
                disk.fill()
                time.sleep(0.05)
            disk.make_room()
            _bring_back(ground)

        disturb(ground, fill, every=(1.0, 2.0), times=_times(ground), all_active=False)
    _all_active(ground)


def _times(ground: Ground) -> int:
    return max(2, ground.operations // 30)


def _refusals(ground: Ground) -> int:
    return ground.driver.statuses.get(503, 0)


@contextmanager
def _use_up(ground: Ground) -> Iterator[None]:
    """Leave nothing afterwards that a database could write over without more room."""
    if not ground.stack.is_postgresql:
        name = str(connection.settings_dict["NAME"])
        run([executable, "-c", EMPTY_LOG, name], check=True)
        yield
        return
    place = connection.settings_dict
    session = psycopg.connect(dbname=place["NAME"], host=place["HOST"], user=place["USER"])
    session.autocommit = True
    yield
    with suppress(psycopg.Error), session:
        for _ in range(20):
            session.execute("SELECT pg_logical_emit_message(false, 'fill', 'x')")
            session.execute("SELECT pg_switch_wal()")


def _bring_back(ground: Ground) -> None:
    """Start PostgreSQL again where it has ended, as whoever made room does."""
    connection.close()
    if ground.stack.is_postgresql and not wait_until(_answers, 5):
        ground.stack.restart_database()


def _answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        connection.close()
        return False
    return True


@contextmanager
def _more(ground: Ground) -> Iterator[Callable[[], None]]:
    """Yield what asks for one instance besides, however long that takes; all are accepted in the end."""
    under_way: list[Future[Accepted]] = []

    def ask() -> None:
        wish = ground.wish(name=f"{ground.row.id} besides {len(under_way)}")
        under_way.append(ground.driver.submit_later(wish))

    try:
        yield ask
    finally:
        ground.case.accepted += [one.result() for one in under_way]


def _all_active(ground: Ground) -> None:
    ground.settle()
    ground.expect("all active", ground.count(S.SUCCEEDED) == len(ground.case.accepted))


def failing_disk(ground: Ground) -> None:
    """F39: every fsync fails, or nothing can be written: nothing is taken until the disk is mended."""
    # What SQLite makes of a file that it cannot read.
    ground.expected_tracebacks += [*DISK_AWAY, "DatabaseError"]
    image = ground.stack.folder / "disk.img"
    disk = DyingDisk(size_of(ground.stack.database_folder) + 4 * ROOM_MB, image)
    deeds = [disk.die, disk.refuse_writing]
    with under_database(ground.stack, disk), _more(ground) as ask:

        def fail() -> None:
            refused = _refusals(ground)
            deeds[ground.injected % 2]()
            time.sleep(ANSWERS_SECONDS)
            taken = ground.driver.statuses.get(302, 0)
            ask()
            ground.injected += wait_until(lambda: _refusals(ground) > refused, REFUSED_SECONDS)
            time.sleep(FULL_SECONDS)
            same = ground.driver.statuses.get(302, 0) == taken
            ground.expect("nothing is taken meanwhile", same)
            with ground.stack.database_away():
                disk.repair()

        disturb(ground, fail, every=(1.0, 2.0), times=_times(ground), all_active=False)
    _all_active(ground)
    if not ground.stack.is_postgresql:
        connection.close()
        ground.expect("the file is whole", is_whole(Path(str(connection.settings_dict["NAME"]))))


def full_logs(ground: Ground) -> None:
    """F38l: no line can be written to any log, nor any temporary file: everything goes on."""
    folder = ground.stack.folder / "small"
    folder.mkdir()
    disk = Disk(LOGS_MB)
    disk.mount(folder)
    # The web has nothing to say while all is well.
    talking = ground.stack.workers
    with ExitStack() as later:
        later.callback(_move_logs, ground, ground.stack.folder / "logs", "", disk)
        _move_logs(ground, folder, str(folder))
        ground.account.fault("latency", times=None, seconds=LATENCY)
        ground.submit(ground.operations // 2)
        before = [process.log.stat().st_size for process in talking]
        ground.expect("logs were written to it", min(before) > 0)
        disk.fill()
        full = [process.log.stat().st_size for process in talking]
        ground.submit(ground.operations - ground.operations // 2)
        ground.settle()
        after = [process.log.stat().st_size for process in talking]
        ground.injected = sum(
            now - was < MEGABYTE // 64 for now, was in zip(after, full, strict=True)
        )
        ground.needed = len(talking)
        ground.expect("it was full all the while", disk.free == 0)
        ground.expect("all active meanwhile", ground.count(S.SUCCEEDED) == ground.operations)
        disk.make_room()


def _move_logs(ground: Ground, folder: Path, temporary: str, disk: Disk | None = None) -> None:
    """Let every process of ours write its log there; with `disk`, take along what it holds."""
    for process in (ground.stack.web, *ground.stack.workers):
        process.stop()
        old, process.log = process.log, folder / process.log.name
        if disk:
            with process.log.open("ab") as kept:
                kept.write(old.read_bytes())
        process.start(TMPDIR=temporary or "/tmp")  # noqa: S108  # where it was before
    ground.stack.wait_for_web()
    if disk:
        disk.unmount()


ROWS = [
    Row(
        "F38",
        "no room on the database's disk",
        full_disk,
        is_ci=False,
        is_alone=True,
    ),
    Row(
        "F38l",
        "no room for logs and temporary files",
        full_logs,
        is_ci=False,
        is_alone=True,
    ),
    Row(
        "F39",
        "the database's disk fails every write, or refuses it",
        failing_disk,
        is_ci=False,
        is_alone=True,
    ),
]
