"""The product as an operator runs it: a copy of its files, commands, web servers, workers."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import ROOT, example_environment

START_SECONDS = 180.0
PARTS = ("config", "instances", "templates", "static", "manage.py")


class Product:
    """Everything that runs from one folder, with one configuration."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.logs = folder, folder / "logs"
        self.application = folder / "application"
        self.temporary = folder / "temporary"
        for made in (self.logs, self.temporary, folder / "home"):
            made.mkdir()
        copy_application(self.application)
        self.settings = settings
        self.commands = self.logs / "commands.log"

    def environment(self, application: Path | None, **changes: str) -> dict[str, str]:
        """Return the whole environment of a process; nothing of ours is inherited."""
        place = application or self.application
        return {
            **example_environment(),
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": f"{place}:{ROOT}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "tests.leaks.settings",
            "DEBUG": "false",
            "LOG_LEVEL": "DEBUG",
            "ALLOWED_HOSTS": "127.0.0.1",
            "BEAT_SCHEDULE_FILE": str(self.folder / "beat"),
            "ELEMENTDESK_CALL_SECONDS": "3",
            "ELEMENTDESK_LEASE_SECONDS": "5",
            "ELEMENTDESK_SETTLE_SECONDS": "2",
            "ELEMENTDESK_LOOK_PAUSES": "0.2,0.5,1",
            "ELEMENTDESK_SWEEP_SECONDS": "0.5",
            # As in production; who may administer or reveal has a second factor.
            "ELEMENTDESK_CHECK_SECONDS": "300",
            "ELEMENTDESK_MFA_REQUIRED": "true",
            "ELEMENTDESK_API_PER_MINUTE": "100000",
            **self.settings,
            **changes,
        }

    def run(
        self, *arguments: str, stdin: str = "", **changes: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; what it prints is kept with all the others'."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(None, **changes),
            cwd=self.application,
            input=stdin.encode(),
            capture_output=True,
            timeout=600,
        )
        with self.commands.open("ab") as log:
            log.write(done.stdout + done.stderr)
        return done

    def manage(self, *arguments: str, stdin: str = "", **changes: str) -> int:
        """Run a management command; return its exit code."""
        return self.run("manage.py", *arguments, stdin=stdin, **changes).returncode

    def addresses(self) -> dict[str, Any]:
        """Return every page by the name of its address, and the caches."""
        done = self.run("-m", "tests.leaks.addresses")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @contextmanager
    def web(
        self, log: str, certificate: Path | None, application: Path | None = None, **changes: str
    ) -> Iterator[str]:
        """Serve, over TLS if there is a certificate, else as a developer does; yield the address."""
        port = free_port()
        command = gunicorn(port, certificate) if certificate else runserver(port)
        address = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        with self._running(log, command, application, **changes) as process:
            wait_until_it_listens(port, process)
            yield address

    @contextmanager
    def worker(self, log: str, **changes: str) -> Iterator[None]:
        """Run a worker with its beat."""
        command = ["-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", "4", "-B"]
        command += ["--schedule", str(self.folder / f"beat-{log}"), "--without-mingle"]
        with self._running(log, command, None, **changes):
            yield

    @contextmanager
    def _running(
        self, log: str, command: list[str], application: Path | None, **changes: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        with (self.logs / f"{log}.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=self.environment(application, **changes),
                cwd=application or self.application,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def copy_application(target: Path) -> None:
    """Copy what an image would hold."""
    target.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / part)


def gunicorn(port: int, certificate: Path) -> list[str]:
    """Return the image's own command, with TLS instead of the proxy."""
    command = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    return [*command, "--certfile", str(certificate), "--log-level", "debug"]


def runserver(port: int) -> list[str]:
    return ["manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """
    Wait until somebody takes connections.

    :raises RuntimeError: it ended, or did not listen in time.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the web server did not start")
