"""How long pages take with few and with very many rows, over HTTP, as production serves them."""

import base64
import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import measure
from tests import servers

FILE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
SECTION, NEXT = "## Pages, measured", "## Measured now"
LAST = "The time before:"
# What a page may take: of the same page with few rows, and of a view that does nothing (p95).
MOST_GROWTH, MOST_TIMES_EMPTY = 1.3, 15
SMALL = 1_000
HOST = "127.0.0.1"
WORKERS, THREADS = 2, 8
# What production sends back without asking for anything: the whole stack, and an empty view.
EMPTY = "/livez"
# The command of the Dockerfile, but for the address.
GUNICORN = ["gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", str(WORKERS)]
GUNICORN += ["--threads", str(THREADS), "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]  # noqa: S108  # gunicorn makes its own names in it


def environment(database: str, folder: Path) -> dict[str, str]:
    """Return the settings of a production, without TLS: nothing is behind a proxy here."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        **os.environ,
        **servers.example_environment(),
        "DEBUG": "false",
        "SECURE_SSL_REDIRECT": "false",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database,
        "LOG_LEVEL": "WARNING",
        "ELEMENTDESK_KEYRING": json.dumps({"primary": "k1", "keys": {"k1": key}}),
        "ELEMENTDESK_KEYRING_FILE": "",
        "ELEMENTDESK_API_HOSTS": "",
        "ELEMENTDESK_FENCE_FILE": str(folder / "fence"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


class Site:
    """One crowd in a database of its own, and a web server before it."""

    def __init__(self, number: int, database: str, folder: Path) -> None:
        settings = environment(database, folder)
        _run(["manage.py", "collectstatic", "--noinput", "--verbosity=0"], settings)
        told = _run(["-m", "tests.started", "bench.planted", str(number)], settings)
        self.told: dict[str, Any] = json.loads(told)
        self._log = (folder / "web.log").open("wb")
        port = _free_port()
        command = [sys.executable, "-m", *GUNICORN, "--bind", f"{HOST}:{port}"]
        self._process = subprocess.Popen(command, env=settings, stderr=self._log)
        self._used = 0.0
        self._connection = http.client.HTTPConnection(HOST, port, timeout=20)
        try:
            _until_open(self._connection)
        except OSError:
            self.close()
            raise

    def get(self, address: str, cookie: str = "") -> float:
        """Return the seconds that a page took, to its last byte."""
        self._reconnect()
        began = time.perf_counter()
        self._connection.request("GET", address, headers={"Cookie": cookie} if cookie else {})
        answer = self._connection.getresponse()
        answer.read()
        seconds = time.perf_counter() - began
        if answer.status != 200:
            raise ValueError(f"{address}: {answer.status}")
        return seconds

    def _reconnect(self) -> None:
        # gunicorn closes a connection that was idle for two seconds.
        if time.monotonic() - self._used > 1:
            self._connection.close()
            self._connection.connect()
        self._used = time.monotonic()

    def close(self) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def _run(command: list[str], settings: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *command], env=settings, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _until_open(connection: http.client.HTTPConnection) -> None:
    for _ in range(100):
        try:
            connection.request("GET", EMPTY)
            connection.getresponse().read()
        except OSError:
            connection.close()
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the web server does not listen")


@contextmanager
def sites(database: str, number: int, folder: Path) -> Iterator[dict[str, Site]]:
    """Plant a small and a large crowd, and serve both."""
    with ExitStack() as stack:
        found = {}
        for name, many in (("small", SMALL), ("large", number)):
            own = folder / name
            own.mkdir(parents=True)
            address = (
                stack.enter_context(servers.postgresql())
                if database == "PostgreSQL"
                else f"sqlite:///{own}/bench.sqlite3"
            )
            found[name] = stack.enter_context(closing(Site(many, address, own)))
        yield found


Times = dict[tuple[str, str], dict[str, list[float]]]


def rounds(found: dict[str, Site], number: int, only: str = "") -> Times:
    """Look at each page as each viewer, small, large and empty in turn, `number` times."""
    times: Times = {}
    for turn in range(number + 5):
        for viewer in found["large"].told["viewers"]:
            for page in found["large"].told["pages"]:
                if only not in f"{viewer}, {page}":
                    continue
                taken = times.setdefault((viewer, page), {"small": [], "large": [], "empty": []})
                for name, seconds in _once(found, viewer, page):
                    if turn >= 5:  # the first rounds warm caches and connections of each thread
                        taken[name].append(seconds)
    return times


def _once(found: dict[str, Site], viewer: str, page: str) -> Iterator[tuple[str, float]]:
    for name, site in found.items():
        cookie = site.told["viewers"][viewer]["cookie"]
        yield name, site.get(site.told["pages"][page], cookie)
    yield "empty", found["large"].get(EMPTY)


def measured(
    database: str, number: int, turns: int, folder: Path, only: str = ""
) -> dict[str, Any]:
    """Return what the table of one database needs."""
    with sites(database, number, folder) as found:
        times = rounds(found, turns, only)
        return {
            "number": number,
            "planted": found["large"].told["planted"],
            "times": times,
            "queries": {
                name: {viewer: told["queries"] for viewer, told in site.told["viewers"].items()}
                for name, site in found.items()
            },
        }


def table(database: str, result: dict[str, Any]) -> list[str]:
    """Return one database's figures as Markdown; milliseconds."""
    empty = [one for taken in result["times"].values() for one in taken["empty"]]
    lines = [
        f"{result['number']:,} instances on {database}, beside {SMALL:,}. "
        f"Planted in {result['planted']:.0f} s. An empty view: p50 {_ms(empty, 0.5)} ms, p95 {_ms(empty, 0.95)} ms.",
        "",
        "| viewer | page | p50 ms | p95 ms | p95 of the small one | ratio | times an empty view | queries |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    least = measure.percentile(empty, 0.95)
    for (viewer, page), taken in result["times"].items():
        large, small = (measure.percentile(taken[name], 0.95) for name in ("large", "small"))
        queries = [result["queries"][name][viewer][page] for name in ("small", "large")]
        lines.append(
            f"| {viewer} | {page} | {_ms(taken['large'], 0.5)} | {_ms(taken['large'], 0.95)} "
            f"| {_ms(taken['small'], 0.95)} | {_met(large / small, MOST_GROWTH)} "
            f"| {_met(large / least, MOST_TIMES_EMPTY)} | {_same(queries)} |"
        )
    return [*lines, ""]


def _ms(values: list[float], share: float) -> str:
    return f"{1000 * measure.percentile(values, share):.1f}"


def _met(value: float, most: float) -> str:
    return f"{value:.2f}" if value <= most else f"{value:.2f} NO"


def _same(queries: list[int]) -> str:
    small, large = queries
    if large == small + 2:  # neither tags nor rotations of no row are asked for
        return f"{large} ({small} for an empty page)"
    return str(large) if large <= small else f"{small}, then {large} NO"


def run(*, rows: int, turns: int, is_kept: bool) -> None:
    """Measure on both databases; print each table as it ends, and keep it in docs/performance.md if asked."""
    for database, number in (("PostgreSQL", rows), ("SQLite", max(SMALL, rows // 10))):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            result = measured(database, number, turns, Path(folder))
        text = "\n".join([f"### {database}", "", _when(turns), "", *table(database, result)])
        sys.stdout.write(text)
        sys.stdout.flush()
        if is_kept:
            FILE.write_text(kept(FILE.read_text(), database, text))


def _when(turns: int) -> str:
    return f"{datetime.now(UTC):%-d %B %Y, %H:%M} UTC, on {measure.machine()}. {turns} rounds."


def kept(page: str, database: str, text: str) -> str:
    """Return the page with one database's figures, and under them those of the time before."""
    before, rest = page.split(SECTION, 1)
    section, after = rest.split(NEXT, 1)
    parts = dict(re.findall(r"^### (\w+)$(.*?)(?=^### |\Z)", section, flags=re.M | re.S))
    last = parts.get(database, "").split(LAST, 1)[0].strip()
    parts[database] = text.partition("\n")[2].strip() + (f"\n\n{LAST}\n\n{last}" if last else "")
    shown = "\n\n".join(f"### {name}\n\n{part.strip()}" for name, part in parts.items())
    return f"{before}{SECTION}\n\n{shown}\n\n{NEXT}{after}"
