"""Real processes: started with their output in a file, killed, stopped, continued, started again."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


class Process:
    """One process and its children, in a group of their own."""

    def __init__(
        self,
        name: str,
        command: Sequence[object],
        environment: Mapping[str, str],
        folder: Path,
        cwd: Path = ROOT,
    ) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        self.kills = 0
        self.is_wanted = False
        # Whoever wants it and whoever watches may find it ended at the same time: one starts it.
        self._starting = threading.RLock()
        self._command = [str(part) for part in command]
        self._environment, self._cwd = dict(environment), cwd
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._running.pid if self._running else 0

    @property
    def is_alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def start(self, **environment: str) -> None:
        """Start it; `environment` changes what it was made with."""
        with self._starting:
            self._environment |= environment
            self.is_wanted = True
            if not self.is_alive:
                self._running = self._begin()

    def revive(self) -> None:
        """Start it again if it has ended though it is wanted."""
        with self._starting:
            if self.is_wanted:
                self.start()

    def _begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it and its children a signal; nothing happens if it has ended."""
        if self.is_alive:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """End it and its children at once, as `kill -9` does; whoever watches starts it again."""
        if self.is_alive:
            self.kills += 1
            self.signal(signal.SIGKILL)
            self._wait(20)

    def stop(self, seconds: float = 60) -> int:
        """Ask it to finish what it is doing and end; return its exit code."""
        self.is_wanted = False
        if self._running is None:
            return 0
        if self.is_alive:
            self._running.send_signal(signal.SIGTERM)
        return self._wait(seconds)

    def give_up(self) -> None:
        """End it at once and for good."""
        self.is_wanted = False
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self._running is not None:
            self._wait(20)

    def _wait(self, seconds: float) -> int:
        return self._running.wait(seconds) if self._running else 0


class Watch:
    """Start again what ended though it is wanted, and note the most memory that any process took."""

    def __init__(self) -> None:
        self.processes: list[Process] = []
        # By name and number: one name may be of many processes, one after the other.
        self.peaks: dict[tuple[str, int], int] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def add(self, process: Process) -> Process:
        self.processes.append(process)
        return process

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop watching, then end every process, the youngest first."""
        self._ending.set()
        self._thread.join()
        for process in reversed(self.processes):
            process.give_up()

    def _look(self) -> None:
        while not self._ending.wait(0.2):
            for process in self.processes:
                process.revive()
                self._measure(process.name, process.pid)

    def _measure(self, name: str, pid: int) -> None:
        for one in (pid, *children_of(pid)):
            status = _status(one)
            if found := PEAK.search(status):
                key = (name, one)
                self.peaks[key] = max(self.peaks.get(key, 0), int(found[1]) * 1024)


def children_of(pid: int) -> Iterator[int]:
    """Name the processes that `pid` started, and theirs."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        children = [int(word) for word in listed.read_text().split()]
    except OSError:
        return
    for child in children:
        yield child
        yield from children_of(child)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""


def wait_until(truth: Callable[[], object], seconds: float, pause: float = 0.1) -> bool:
    """Wait until `truth()` is true; return whether it became so in time."""
    end = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
