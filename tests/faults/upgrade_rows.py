"""The code is upgraded under load: the earlier one works on the new schema, beside the new one."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import connection

from instances.models import FINAL, OperationState
from tests.faults import trace
from tests.faults.ground import Ground, NotHereError, Row
from tests.faults.process_rows import LATENCY
from tests.faults.processes import ROOT, Process, children_of, wait_until
from tests.faults.stack import Stack, python, worker

S = OperationState
PATIENCE = 120.0
MIGRATIONS = "instances/migrations"


def side_by_side(ground: Ground) -> None:
    """F48: the code before the last migration is at work; the schema is migrated, and the new code takes over."""
    stack = ground.stack
    earlier = Earlier(stack)
    new = [stack.web, *stack.workers]
    for process in new:
        process.stop()
    connection.close()
    stack.manage("migrate", "instances", earlier.migration)
    trace.mend()
    old = earlier.start()
    ground.account.fault("latency", times=None, seconds=LATENCY)
    wave = max(2, ground.operations // 3)
    ground.submit(wave)
    met = _migrate(ground)
    migrated_at = time.time()
    ground.submit(wave)
    by_old = _wait_for(lambda: _done_by(ground, old[1:], migrated_at))
    for process in stack.workers:
        process.start()
    stack.wait_for_workers()
    # Now everybody works beside each other.
    ground.submit(wave)
    beside = _wait_for(lambda: _done_by(ground, stack.workers, migrated_at))
    old[0].stop()
    stack.web.start()
    for process in old:
        process.stop()
    stack.wait_for_web()
    ground.submit(1)
    ground.settle()
    ground.needed, ground.injected = 3, sum(map(bool, (met, by_old, beside)))
    ground.note = (
        f"from {earlier.commit[:9]}, {earlier.migration}: {met} under way after the migration, "
        f"at least {by_old} done by the old code then, and {beside} by the new beside it"
    )
    ground.expect("all active", ground.count(S.SUCCEEDED) == len(ground.case.accepted))


def _migrate(ground: Ground) -> int:
    """Migrate while the old code takes requests and works; return how many were under way when that was over."""
    command, environment = python("manage", "migrate"), ground.stack.environment
    migrating = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    while migrating.poll() is None:
        ground.submit(1)
    under_way = ground.rows().exclude(state__in=FINAL).count()
    ground.expect("migrated under load", migrating.returncode == 0)
    trace.mend()
    return under_way


def _wait_for(number: Callable[[], int]) -> int:
    wait_until(number, PATIENCE, 0.3)
    return number()


def _done_by(ground: Ground, processes: Iterable[Process], since: float) -> int:
    """Return how many operations these processes ended since then, by what they were held by."""
    pids = {pid for one in processes for pid in (one.pid, *children_of(one.pid))}
    known = set(ground.rows().values_list("pk", flat=True))
    return sum(
        step.row_id in known and step.new == S.SUCCEEDED and _pid_of(step.owner) in pids
        for step in trace.steps()
        if step.at >= since
    )


def _pid_of(owner: str) -> int:
    """Return the process that held an operation: it calls itself by machine, process and a number of the hold."""
    return int(owner.split(":")[1]) if ":" in owner else 0


class Earlier:
    """The newest code of this repository that does not know the last migration, or one that is named."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.folder = stack.folder / "earlier"
        names = sorted(path.stem for path in (ROOT / MIGRATIONS).glob("0*.py"))
        self.commit = _before(os.environ.get("FAULTS_EARLIER", names[-1]))
        listed = _git("ls-tree", "--name-only", self.commit, f"{MIGRATIONS}/").split()
        self.migration = sorted(Path(one).stem for one in listed if "/0" in one)[-1]
        self._unpack()

    def _unpack(self) -> None:
        self.folder.mkdir()
        archive = self._stack.folder / "earlier.tar"
        _git("archive", "--output", str(archive), self.commit)
        subprocess.run(["/bin/tar", "-xf", archive, "-C", self.folder], check=True)
        collect = python("manage", "collectstatic", "--no-input", "--verbosity", "0")
        subprocess.run(collect, cwd=self.folder, env=self._stack.environment, check=True)

    def start(self) -> list[Process]:
        """Start its web and two workers; return them."""
        stack = self._stack
        commands = {"old-web": stack.web_command(), "old-worker": worker(3), "old-too": worker(4)}
        processes = [stack.add(name, command, self.folder) for name, command in commands.items()]
        for process in processes:
            process.start()
        stack.wait_for_web()
        return processes


def _before(migration: str) -> str:
    """
    Return the newest commit without that migration.

    :raises NotHereError: there is no history.
    """
    path = f"{MIGRATIONS}/{migration}.py"
    added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", path).strip()
    return _git("rev-parse", f"{added}^" if added else "HEAD").strip()


def _git(*words: str) -> str:
    try:
        ended = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)  # noqa: S607  # whichever there is
    except OSError as error:
        raise NotHereError("git is not here, so that there is no earlier code") from error
    if ended.returncode:
        raise NotHereError(f"no history to take earlier code from: {ended.stderr.strip()}")
    return ended.stdout


ROWS = [
    Row(
        "F48",
        "the code upgraded, old and new side by side",
        side_by_side,
        is_ci=False,
        is_alone=True,
    ),
]
