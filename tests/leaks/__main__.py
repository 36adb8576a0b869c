"""Plant secrets, use everything, search every place: python -m tests.leaks sqlite postgresql."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox.running import Sandbox
from tests.leaks.planted import Planted
from tests.leaks.run import Run
from tests.leaks.scanner import Result, scan, table
from tests.leaks.sinks import sinks
from tests.leaks.surroundings import PostgreSQL, SQLite, database_server

# What must have been answered, or the run did not go where it should.
STATUSES = {200, 302, 400, 403, 404, 405, 422, 500}


def main() -> None:
    """Run on each database that is named; exit with 1 at any hit or missing control."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="+", choices=["sqlite", "postgresql"])
    parser.add_argument("--keep", action="store_true", help="leave the files of the run")
    arguments = parser.parse_args()
    results = [leaks(database, arguments.keep) for database in arguments.databases]
    sys.exit(0 if all(results) else 1)


def leaks(database: str, is_kept: bool) -> bool:
    """Do one whole run, print what was found; return whether all is clean."""
    began, planted = time.monotonic(), Planted()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="elementdesk-leaks-"))
        if is_kept:
            say(f"Files of the run: {folder}")
        run = Run(folder, stack.enter_context(opened(database, folder, planted)), planted)
        stack.callback(run.close, is_kept=is_kept)
        use_everything(run, stack.enter_context(Sandbox()))
        results = scan(sinks(run), planted.values)
    return report(database, run, results, time.monotonic() - began)


@contextmanager
def opened(database: str, folder: Path, planted: Planted) -> Iterator[PostgreSQL | SQLite]:
    """Give an empty database."""
    if database == "sqlite":
        yield SQLite(folder / "database")
        return
    with database_server(planted.word("database password")) as server:
        yield server


def use_everything(run: Run, sandbox: Sandbox) -> None:
    """Go the whole way, and say how far it went."""
    run.start(sandbox)
    run.live()
    run.fail_at_each_level()
    run.fail_in_the_open()
    run.finish()


def report(database: str, run: Run, results: list[Result], seconds: float) -> bool:
    """Print the table and everything that is wrong."""
    missing = STATUSES - run.record.statuses.keys()
    wrong = [f"never answered: {status}" for status in sorted(missing)]
    wrong += run.record.complaints
    wrong += [f"{each.name}: {hit}" for each in results for hit in sorted(each.hits)]
    wrong += [f"{each.name}: not scanned" for each in results if not each.is_scanned]
    size = sum(each.size for each in results)
    say(f"\n{database}: {len(run.planted.values)} secrets, {seconds:.0f} s, {size:,} bytes")
    say(f"answers {dict(sorted(run.record.statuses.items()))}, tokens shown {run.record.revealed}")
    say(table(results))
    for sentence in wrong:
        say(sentence)
    return not wrong


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
