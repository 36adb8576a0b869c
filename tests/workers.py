"""Real worker processes on the database and the broker of the present test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection
from kombu import Connection

from tests.conftest import RING

# Far more than a worker needs on a machine that is busy with other tests.
START_SECONDS = 60.0


def database_url() -> str:
    """Return the present test database in the form of DATABASE_URL."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    login = f"{values['USER']}:{values['PASSWORD']}" if values["PASSWORD"] else values["USER"]
    if str(values["HOST"]).startswith("/"):
        return f"postgres://{login}@/{values['HOST']}/{values['NAME']}"
    return f"postgres://{login}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process that shares the test's database, broker and keys."""
    return {
        **os.environ,
        "DEBUG": "false",
        # Looked at by other tests: a hundred workers start in a third less time without.
        "CELERY_SKIP_CHECKS": "1",
        "DATABASE_URL": database_url(),
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
        "ELEMENTDESK_KEYRING": RING,
        "ELEMENTDESK_KEYRING_FILE": "",
        "ELEMENTDESK_FENCE_FILE": settings.FENCE_FILE,
        "ELEMENTDESK_API_HOSTS": settings.EGRESS["API_HOSTS"],
        "ELEMENTDESK_CALL_SECONDS": "2",
        "ELEMENTDESK_LEASE_SECONDS": "3",
        "ELEMENTDESK_SETTLE_SECONDS": "5",
        "ELEMENTDESK_LOOK_PAUSES": "0.2,0.5,1",
        "ELEMENTDESK_SWEEP_SECONDS": "0.3",
        # Tests that count what reached the platform count what they asked for.
        "ELEMENTDESK_HEALTH_EVERY": "0",
        "ELEMENTDESK_CATALOG_EVERY": "0",
        "ELEMENTDESK_LOG_EVERY": "0",
        "ELEMENTDESK_VERIFY_EVERY": "0",
        **changes,
    }


class Worker:
    """One worker process, in a group of its own, its output in a file."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.log = folder / "worker.log"
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "threads"]
        command += ["-c", "4", "--without-mingle"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=environment(**changes),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End it and its children at once, as `kill -9` does."""
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """Ask it to finish its calls and end; return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        return self._process.wait(timeout=60)


def wait_for(truth: Callable[[], object], seconds: float = START_SECONDS) -> None:
    """
    Wait until `truth()` is true.

    :raises TimeoutError: it did not become true in time.
    """
    end = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.05)


def empty_broker() -> None:
    """Forget every message, so that one test's doorbells do not wake another's workers."""
    with Connection(settings.CELERY_BROKER_URL) as broker:
        broker.SimpleQueue("celery").clear()
