"""The fault campaign: python -m tests.faults [--rows ci] [--operations 30] [--seed 7] [--database sqlite]."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults import kept, table
from tests.faults.stack import environment_of
from tests.servers import ROOT, postgresql

DATABASES = ("postgresql", "sqlite")
# As many as prove each row of CI in the time that CI has.
CI_OPERATIONS = 8


def main() -> None:
    """Run the campaign and print the table; 1 if anything is not as it must be."""
    arguments = _parser().parse_args()
    if arguments.ci:
        arguments.rows, arguments.operations = "ci", CI_OPERATIONS
    databases = DATABASES if arguments.database == "both" else (arguments.database,)
    began = time.monotonic()
    _collect_pages()
    with ThreadPoolExecutor(len(databases)) as pool:
        results = dict(
            zip(databases, pool.map(lambda one: _run(one, arguments), databases), strict=True)
        )
    text = table.text(results, seed=arguments.seed, seconds=time.monotonic() - began)
    sys.stdout.write(text)
    if arguments.table:
        arguments.table.write_text(text)
    sys.exit(0 if all(map(table.is_good, results.values())) else 1)


def _collect_pages() -> None:
    """Collect what the pages load, once for all: two who do it at once take files away from each other."""
    command = [sys.executable, "-m", "manage", "collectstatic", "--no-input", "--verbosity", "0"]
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_of(f"sqlite:///{folder}/none", Path(folder))
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", default="all", help="all, ci, or ids such as F01,F20")
    parser.add_argument("--operations", type=int, default=30, help="for each row")
    parser.add_argument("--ci", action="store_true", help="the rows of CI, few operations each")
    parser.add_argument(
        "--keep", type=Path, help="folder of results; what is in it is not repeated"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--table", type=Path, help="also write the table to this file")
    return parser


def _run(database: str, arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.keep is None:
        return _run_rows(database, arguments.rows, arguments)
    folder = arguments.keep / f"{database}-{arguments.operations}-{arguments.seed}"
    parts = _parts(database, arguments.rows)
    return kept.run(folder, parts, lambda rows: _run_rows(database, rows, arguments))


def _parts(database: str, rows: str) -> list[str]:
    """Ask the campaign which rows go together; it knows them once it has a database to name."""
    command = [
        sys.executable,
        "-m",
        "tests.started",
        "tests.faults.campaign",
        "--list",
        "--rows",
        rows,
    ]
    with tempfile.TemporaryDirectory() as folder:
        url = {"sqlite": f"sqlite:///{folder}/none", "postgresql": "postgres://none@/none"}
        environment = environment_of(url[database], Path(folder))
        answer = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, text=True, stdout=subprocess.PIPE
        )
    return answer.stdout.split()


def _run_rows(database: str, rows: str, arguments: argparse.Namespace) -> dict[str, Any]:
    with _database(database) as (url, folder):
        command = [sys.executable, "-m", "tests.started", "tests.faults.campaign", "--rows", rows]
        command += ["--operations", str(arguments.operations), "--seed", str(arguments.seed)]
        code = subprocess.run(command, cwd=ROOT, env=environment_of(url, folder)).returncode
        result: dict[str, Any] = {"crashed": code}
        if (folder / "result.json").exists():
            result = json.loads((folder / "result.json").read_text())
        return result


@contextmanager
def _database(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the database's address and a folder for logs; FAULTS_KEEP in the environment keeps it."""
    folder = Path(tempfile.mkdtemp(prefix="elementdesk-faults-"))
    try:
        if name == "sqlite":
            # In a folder of its own: a row lets it lie on a disk of its own.
            (folder / "data").mkdir()
            yield f"sqlite:///{folder}/data/campaign.sqlite3", folder
        else:
            with postgresql() as url:
                yield url, folder
    finally:
        if "FAULTS_KEEP" not in os.environ:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
