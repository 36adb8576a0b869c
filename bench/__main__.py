"""Run every measurement, print the table, keep it in docs/performance.md: python -m bench."""

import argparse
import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

from bench import pages, report
from tests import servers

CALLS = 64
LATENCY = 0.25


class Platform:
    """The stand-in, in a process of its own."""

    def __init__(self) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "bench.stand_in", str(self.port), str(LATENCY)]
        self._process = subprocess.Popen(command)
        _until_open(self.port)

    def steer(self, **asked: float) -> dict[str, Any]:
        """Change the latency; return what was counted since the last time."""
        answer = requests.post(f"{self.url}/bench", json=asked, timeout=10)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Desk:
    """One installation, in a process of its own (bench/desk.py)."""

    def __init__(self, platform: Platform, broker: str, database: str, log: Path) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        environment = {
            **os.environ,
            **servers.example_environment(),
            "DEBUG": "true",
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": broker,
            "ELEMENTDESK_KEYRING": json.dumps({"primary": "k1", "keys": {"k1": key}}),
            "ELEMENTDESK_KEYRING_FILE": "",
            # The stand-in answers nothing but what is measured.
            "ELEMENTDESK_CATALOG_EVERY": "0",
            "ELEMENTDESK_HEALTH_EVERY": "0",
            "ELEMENTDESK_LOG_EVERY": "0",
            "ELEMENTDESK_VERIFY_EVERY": "0",
            "ELEMENTDESK_API_HOSTS": platform.url,
            "ELEMENTDESK_CALLS_IN_FLIGHT": str(CALLS),
            "ELEMENTDESK_WORKER_PROCESSES": "1" if database.startswith("sqlite") else "2",
            # One of its own for each, or the second would take the first for a restored backup.
            "ELEMENTDESK_FENCE_FILE": str(log.with_suffix(".fence")),
            "BENCH_PLATFORM": platform.url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.started", "bench.desk"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, measure: str, **options: object) -> dict[str, Any]:
        """Have one measurement made; see the methods of `bench.desk.Desk`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"measure": measure, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the desk stopped; {self._log.name} says why")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(180)
        self._log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_open(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise TimeoutError("the stand-in does not listen")


def bare(how: str, platform: Platform, number: int) -> dict[str, Any]:
    """Send from a thread pool of `requests`, with a session a thread or without any."""
    url = f"{platform.url}/elements/api-v2/instances"
    command = [sys.executable, "-m", "bench.bare", how, url, str(number), str(CALLS)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"cpu": {"worker": answer["cpu"] / number}}


def curl(platform: Platform, number: int) -> dict[str, Any]:
    """Send as people do today: xargs, and a curl for each instance."""
    url = f"{platform.url}/elements/api-v2/instances"
    body = json.dumps(
        {
            "element": {"key": "zuorav2"},
            "configuration": {"zuorav2.sandbox": True, "username": "a", "password": "b"},
            "tags": ["bench", "curl-{}"],
            "name": "Instance {}",
        }
    )
    one = ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null"]
    one += ["--header", "Authorization: User a, Organization b"]
    one += ["--header", "Content-Type: application/json", "--data", body, url]
    numbers = "\n".join(map(str, range(number)))
    began, spent = time.monotonic(), _children()
    command = ["xargs", "-P", str(CALLS), "-I", "{}", *one]
    subprocess.run(command, input=numbers, text=True, check=True)
    seconds, cpu = time.monotonic() - began, _children() - spent
    return {"seconds": seconds, "cpu": {"worker": cpu / number}}


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def running(folder: Path) -> Iterator[tuple[Platform, dict[str, Desk]]]:
    """Start the stand-in and both installations, and stop them."""
    with ExitStack() as stack:
        platform = Platform()
        stack.callback(platform.stop)
        desks = {}
        addresses = {
            "PostgreSQL": stack.enter_context(servers.postgresql()),
            "SQLite": f"sqlite:///{folder}/bench.sqlite3",
        }
        for name, address in addresses.items():
            broker = stack.enter_context(servers.broker(folder / name))
            desks[name] = Desk(platform, broker, address, folder / f"{name}.log")
            stack.callback(desks[name].stop)
        yield platform, desks


def side_by_side(
    platform: Platform, desks: dict[str, Desk], seconds: float, number: int
) -> dict[str, dict[str, Any]]:
    """Make `number` instances in each way, one way after the other."""
    platform.steer(seconds=seconds)
    ways: dict[str, Any] = {}
    if shutil.which("curl"):
        ways["`xargs -P 64 curl`"] = lambda: curl(platform, number)
    ways["bare `requests`, a Session a thread"] = lambda: bare("session", platform, number)
    ways["bare `requests`, no Session"] = lambda: bare("fresh", platform, number)
    for name, desk in desks.items():
        ways[f"Elementdesk, {name}"] = lambda desk=desk: desk.ask("provision", number=number)
    results = {}
    for name, way in ways.items():
        platform.steer()
        results[name] = way() | {"ideal": number * seconds / CALLS, "number": number}
        results[name]["in_flight"] = platform.steer()["most_in_flight"]
        sys.stdout.write(
            f"{seconds * 1000:.0f} ms, {name}: {number / results[name]['seconds']:.0f}/s\n"
        )
        sys.stdout.flush()
    return results


def submitted(platform: Platform, desk: Desk, number: int) -> dict[str, list[float]]:
    """Ask for instances one by one, on an idle installation."""
    platform.steer(seconds=LATENCY)
    told = desk.ask("submit", number=number, port=_free_port())
    arrived = platform.steer()["arrived"]
    return {
        "shown": [seconds - LATENCY for seconds in told["shown"]],
        "sent": [arrived[tag] - saved for tag, saved in told["saved"].items()],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--bulk", type=int, default=10_000)
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--keep", action="store_true", help="write docs/performance.md")
    parser.add_argument("--pages", action="store_true", help="the pages alone, with --rows")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=60)
    chosen = parser.parse_args()
    if chosen.pages:
        pages.run(rows=chosen.rows, turns=chosen.turns, is_kept=chosen.keep)
        return
    began, page = time.monotonic(), report.FILE.read_text()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for measured in parts(Path(folder), chosen):
            text = report.table(measured, seconds=time.monotonic() - began)
            if chosen.keep:  # what ended is kept, whatever becomes of the rest
                report.keep(text, page)
    sys.stdout.write(text)


def parts(folder: Path, chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure one part after the other; yield after each all that is measured so far."""
    measured: dict[str, Any] = {"waiting": [], "cost": [], "submitted": {}, "bulk": {}}
    with running(folder) as (platform, desks):
        platform.steer(seconds=0.01)
        for desk in desks.values():
            desk.ask("provision", number=2 * CALLS)
        for name, seconds in (("waiting", LATENCY), ("cost", 0.0)):
            for _ in range(chosen.rounds):
                measured[name].append(side_by_side(platform, desks, seconds, chosen.number))
                yield measured
        if chosen.submissions:
            measured["submitted"] = submitted(platform, desks["PostgreSQL"], chosen.submissions)
            yield measured
        platform.steer(seconds=0)
        if chosen.bulk:
            measured["bulk"] = desks["PostgreSQL"].ask("provision", number=chosen.bulk)
        measured["locked"] = "database is locked" in Path(folder, "SQLite.log").read_text()
        yield measured


if __name__ == "__main__":
    main()
