"""What is only there for a moment: command lines, environments, temporary files."""

import os
import threading
from contextlib import suppress
from pathlib import Path

PAUSE_SECONDS = 0.05
# What an operator puts into the environment, as the README says.
BY_THE_OPERATOR = (
    b"SECRET_KEY",
    b"DATABASE_URL",
    b"CELERY_BROKER_URL",
    b"USER_SECRET",
    b"ORGANIZATION_SECRET",
    b"DJANGO_SUPERUSER_PASSWORD",
)
PROCESSES = Path("/proc")


class Watcher(threading.Thread):
    """Notes every command line and environment, and keeps every temporary file, until stopped."""

    def __init__(self, temporary: Path, captured: Path) -> None:
        super().__init__(daemon=True)
        self._temporary, self._captured = temporary, captured
        self._ended = threading.Event()
        self.command_lines: set[bytes] = set()
        self.environments: set[bytes] = set()
        self._kept: set[tuple[str, int, int]] = set()

    def run(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            self._look()

    def stop(self) -> None:
        """Look a last time, also at files that are open and have no name any more."""
        self._ended.set()
        self.join()
        self._look()
        self._keep_nameless()

    def _look(self) -> None:
        for process in PROCESSES.glob("[0-9]*"):
            with suppress(OSError):
                self.command_lines.add((process / "cmdline").read_bytes())
                self.environments.add(_unexpected((process / "environ").read_bytes()))
        for path in self._temporary.rglob("*"):
            with suppress(OSError):
                self._keep(path)

    def _keep(self, path: Path) -> None:
        found = path.stat()
        seen = (str(path), found.st_size, found.st_mtime_ns)
        if path.is_file() and seen not in self._kept:
            self._kept.add(seen)
            self._write(path.name, path.read_bytes())

    def _keep_nameless(self) -> None:
        for link in PROCESSES.glob("[0-9]*/fd/*"):
            with suppress(OSError):
                target = os.readlink(link)
                if target.startswith(str(self._temporary)) and target.endswith("(deleted)"):
                    self._write("nameless", link.read_bytes())

    def _write(self, name: str, content: bytes) -> None:
        (self._captured / f"{len(list(self._captured.iterdir()))}-{name}").write_bytes(content)


def _unexpected(environment: bytes) -> bytes:
    """Leave out what the operator put there."""
    entries = environment.split(b"\0")
    return b"\0".join(e for e in entries if e.partition(b"=")[0] not in BY_THE_OPERATOR)
