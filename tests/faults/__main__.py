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

from tests.faults import table
from tests.faults.stack import environment_of
from tests.servers import ROOT, postgresql

DATABASES = ("postgresql", "sqlite")


def main() -> None:
    """Run the campaign and print the table; 1 if anything is not as it must be."""
    arguments = _parser().parse_args()
    databases = DATABASES if arguments.database == "both" else (arguments.database,)
    began = time.monotonic()
    with ThreadPoolExecutor(len(databases)) as pool:
        results = dict(
            zip(databases, pool.map(lambda one: _run(one, arguments), databases), strict=True)
        )
    text = table.text(results, seed=arguments.seed, seconds=time.monotonic() - began)
    sys.stdout.write(text)
    if arguments.table:
        arguments.table.write_text(text)
    sys.exit(0 if all(map(table.is_good, results.values())) else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", default="all", help="all, ci, or ids such as F01,F20")
    parser.add_argument("--operations", type=int, default=30, help="for each row")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--table", type=Path, help="also write the table to this file")
    return parser


def _run(database: str, arguments: argparse.Namespace) -> dict[str, Any]:
    with _database(database) as (url, folder):
        command = [sys.executable, "-m", "tests.faults.campaign", "--rows", arguments.rows]
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
            yield f"sqlite:///{folder}/campaign.sqlite3", folder
        else:
            with postgresql() as url:
                yield url, folder
    finally:
        if "FAULTS_KEEP" not in os.environ:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
