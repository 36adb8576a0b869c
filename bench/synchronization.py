"""
How fast an account is compared, beside writing the same lines in bulk and nothing else.

python -m bench.synchronization [--rows 100000]: a sandbox and a PostgreSQL of its own; the inner half,
bench/compared.py, runs in a process with the settings of that database.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import measure, pages, report
from sandbox.running import RemoteSandbox
from tests import servers

LEAST_SHARE = 0.5
MOST_GROWTH_MB = 30.0
SECTION, NEXT = "## Comparing an account, measured", "## Pages, measured"


def measured(rows: int) -> dict[str, Any]:
    """Return the seconds of each way to write `rows` lines, and memory at begin and end in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, servers.postgresql() as database:
        started = [sys.executable, "-m", "sandbox", "--port", "0", "--data", f"{name}/sandbox"]
        sandbox = subprocess.Popen(started, stdout=subprocess.PIPE, text=True)
        try:
            assert sandbox.stdout is not None
            base_url = sandbox.stdout.readline().split()[3]
            return _compared(base_url, database, Path(name), rows)
        finally:
            sandbox.terminate()
            sandbox.wait(30)


def _compared(base_url: str, database: str, folder: Path, rows: int) -> dict[str, Any]:
    account = RemoteSandbox(base_url).new_account()
    account.add_crowd(rows)
    settings = pages.environment(database, folder) | {
        "ELEMENTDESK_API_HOSTS": base_url.removesuffix("/elements/api-v2"),
        "BENCH_BASE_URL": base_url,
        "BENCH_NUMBER": str(rows),
        "BENCH_SECRETS": json.dumps([account.user_secret, account.organization_secret]),
    }
    told = subprocess.run(
        [sys.executable, "-m", "tests.started", "bench.compared"],
        env=settings,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


def table(rows: int, found: dict[str, Any]) -> list[str]:
    """Return the figures as Markdown."""
    bare = rows / found["bare"]
    lines = ["| how | lines a second | of the bare upsert |", "| --- | --- | --- |"]
    lines.append(f"| bare upsert of the same lines, 200 a statement | {bare:,.0f} | 1.00 |")
    for name, words in (("first", "compared for the first time"), ("again", "again, unchanged")):
        rate = rows / found[name]
        verdict = "" if rate >= LEAST_SHARE * bare else " NO"
        lines.append(f"| {words} | {rate:,.0f} | {rate / bare:.2f}{verdict} |")
    growth = found["memory_end"] - found["memory_begin"]
    verdict = "flat" if growth <= MOST_GROWTH_MB else "NOT flat"
    memory = (
        f"{found['memory_begin']:.0f} MB after a tenth, {found['memory_end']:.0f} MB at the end"
    )
    return [*lines, "", f"Memory (PSS): {memory}: {verdict}."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="write docs/performance.md")
    chosen = parser.parse_args()
    rows = chosen.rows
    began = time.monotonic()
    lines = table(rows, measured(rows))
    when = f"{datetime.now(UTC):%-d %B %Y, %H:%M} UTC"
    head = (
        f"{when}: {rows:,} instances of one account, PostgreSQL, on {measure.machine()}; medians."
    )
    text = "\n".join([head, "", *lines, ""])
    sys.stdout.write(f"{text}\n{time.monotonic() - began:.0f} s.\n")
    if chosen.keep:
        before, rest = report.FILE.read_text().split(SECTION, 1)
        after = rest.split(NEXT, 1)[1]
        report.FILE.write_text(f"{before}{SECTION}\n\n{text.strip()}\n\n{NEXT}{after}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main()
