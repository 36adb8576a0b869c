"""One run on one database: start everything, let every row happen, check, print the table."""

import argparse
import json
import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from tests.faults import checker, disk, machine, selftest, trace
from tests.faults.broker_rows import ROWS as BROKER_ROWS
from tests.faults.cancel_rows import ROWS as CANCEL_ROWS
from tests.faults.change_crash_rows import ROWS as CHANGE_CRASH_ROWS
from tests.faults.change_rows import ROWS as CHANGE_ROWS
from tests.faults.consent_rows import ROWS as CONSENT_ROWS
from tests.faults.crash_rows import ROWS as CRASH_ROWS
from tests.faults.database_rows import ROWS as DATABASE_ROWS
from tests.faults.disk_rows import ROWS as DISK_ROWS
from tests.faults.driver import Driver
from tests.faults.ground import USERNAME, Ground, NotHereError, Row, make_driver_user
from tests.faults.key_rows import ROWS as KEY_ROWS
from tests.faults.list_rows import ROWS as LIST_ROWS
from tests.faults.loss_rows import ROWS as LOSS_ROWS
from tests.faults.process_rows import ROWS as PROCESS_ROWS
from tests.faults.queue_rows import ROWS as QUEUE_ROWS
from tests.faults.refusal_rows import ROWS as REFUSAL_ROWS
from tests.faults.remote_rows import ROWS as REMOTE_ROWS
from tests.faults.rotation_rows import ROWS as ROTATION_ROWS
from tests.faults.stack import Stack
from tests.faults.telling_rows import ROWS as TELLING_ROWS
from tests.faults.upgrade_rows import ROWS as UPGRADE_ROWS

ROWS = [
    *REMOTE_ROWS,
    *LIST_ROWS,
    *PROCESS_ROWS,
    *BROKER_ROWS,
    *QUEUE_ROWS,
    *CRASH_ROWS,
    *CHANGE_ROWS,
    *CHANGE_CRASH_ROWS,
    *CANCEL_ROWS,
    *ROTATION_ROWS,
    *CONSENT_ROWS,
    *LOSS_ROWS,
    *KEY_ROWS,
    *REFUSAL_ROWS,
    *DATABASE_ROWS,
    *DISK_ROWS,
    *TELLING_ROWS,
    *UPGRADE_ROWS,
]
# Rows at the same time: on SQLite all of them wait for one lock.
AT_ONCE = {"postgresql": 5, "sqlite": 3}
# Rows that share one start of everything, and one result that is kept.
TOGETHER, ALONE = 15, 4
# What may end otherwise with another database: everything else is proven on PostgreSQL.
SQLITE_CI = ("F00", "F01", "F03", "F05", "F20", "F21", "F33", "F49", "F50", "F50p", "F51", "F51c")


def main() -> None:
    """Run the chosen rows; the result is one JSON document in the run's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="all")
    parser.add_argument("--operations", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        sys.stdout.write("\n".join(parts(chosen(arguments.rows))))
        return
    folder = Path(os.environ["FAULTS_FOLDER"])
    _prepare()
    stack = Stack(folder)
    signal.signal(signal.SIGTERM, partial(_end, stack))
    try:
        stack.start()
        result = run(stack, chosen(arguments.rows), arguments.operations, arguments.seed)
    finally:
        stack.stop()
    (folder / "result.json").write_text(json.dumps(result))


def _end(stack: Stack, *_: object) -> None:
    """End all processes when asked to end: rows that still run would wait for theirs for minutes."""
    stack.stop()
    disk.leave()
    os._exit(1)


def parts(rows: list[Row]) -> list[str]:
    """Return the ids of those that run at the same time, many a part, then of those that are alone, a few a part."""
    together = [row.id for row in rows if not row.is_alone]
    alone = [row.id for row in rows if row.is_alone and not row.is_last]
    last = [row.id for row in rows if row.is_last]
    return [
        ",".join(ids[start : start + number])
        for ids, number in ((together, TOGETHER), (alone, ALONE), (last, 1))
        for start in range(0, len(ids), number)
    ]


def chosen(words: str) -> list[Row]:
    """Return the rows of that name: `all`, `ci`, or ids separated by commas."""
    fits = [row for row in ROWS if row.only in ("", connection.vendor)]
    is_large = connection.vendor == "postgresql"
    if words == "all":
        return fits
    if words == "ci":
        return [row for row in fits if row.is_ci and (is_large or row.id in SQLITE_CI)]
    asked = words.split(",")
    if unknown := set(asked) - {row.id for row in ROWS}:
        raise SystemExit(f"There is no row {', '.join(sorted(unknown))}.")
    return [row for row in fits if row.id in asked]


def _prepare() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    make_driver_user()
    trace.install()


def run(stack: Stack, rows: list[Row], operations: int, seed: int) -> dict[str, object]:
    """Let the rows happen, those that disturb nobody at the same time, then check everything."""
    driver = Driver(stack.web_url, USERNAME)
    grounds: list[Ground] = []

    def one(row: Row) -> None:
        grounds.append(_happen(row, stack, driver, operations, seed))

    with ThreadPoolExecutor(AT_ONCE[connection.vendor]) as together:
        list(together.map(one, [row for row in rows if not row.is_alone]))
    for row in sorted(rows, key=lambda row: row.is_last):
        if row.is_alone:
            one(row)
    return _result(stack, driver, grounds)


def _happen(row: Row, stack: Stack, driver: Driver, operations: int, seed: int) -> Ground:
    chance = random.Random(f"{seed} {row.id}")
    number = max(1, round(operations * row.share))
    began = time.monotonic()
    ground = Ground(row, stack, driver, chance, number)
    try:
        row.run(ground)
    except NotHereError as error:
        ground.not_run = str(error)[:200]
    except Exception as error:
        ground.extras[f"{type(error).__name__}: {error}"[:200]] = False
    finally:
        connection.close()
    ground.seconds = time.monotonic() - began
    sys.stderr.write(
        f"{connection.vendor} {row.id}: {ground.seconds:.0f} s {ground.extras} {ground.note} {ground.not_run}\n"
    )
    return ground


def _result(stack: Stack, driver: Driver, grounds: list[Ground]) -> dict[str, object]:
    steps = trace.steps()
    total, rows = checker.Violations(), []
    for ground in grounds:
        found = checker.Violations()
        for case in ground.cases:
            found.take(checker.check(case, steps))
        rows.append(_line(ground, found))
        total.take(found)
    expected = [name for ground in grounds for name in ground.expected_tracebacks]
    total["I12"] += machine.secrets_found(stack.sandbox, stack.watch.processes)
    total["I13"] += machine.tracebacks(stack.watch.processes, expected)
    total["I15"] += driver.errors
    total["I16"] += machine.too_large(stack.watch.peaks)
    return {
        "rows": rows,
        "invariants": total,
        "peak_mb": max(machine.of_ours(stack.watch.peaks).values(), default=0) // 2**20,
        "selftest": selftest.run(stack, driver),
    }


def _line(ground: Ground, found: checker.Violations) -> dict[str, object]:
    wrong = [what for what, truth in ground.extras.items() if not truth]
    happened = ground.injected >= ground.needed
    return {
        "id": ground.row.id,
        "fault": ground.row.fault,
        "operations": sum(len(case.accepted) + len(case.asked) for case in ground.cases),
        "injected": ground.injected,
        "needed": ground.needed,
        "seconds": round(ground.seconds),
        "violations": {name: len(texts) for name, texts in found.items() if texts},
        "wrong": wrong,
        "extras": list(ground.extras),
        "not_run": ground.not_run,
        "passed": happened and not wrong and not found.total and not ground.not_run,
    }


if __name__ == "__main__":
    main()
