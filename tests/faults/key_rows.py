"""The root key is changed under load, and the command that does it is ended again and again."""

import io
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import requests
from django.conf import settings
from django.core.management import call_command

from instances import vault
from instances.models import Instance, OperationState
from instances.vault import keyring, rotation
from instances.vault.sealing import FORMAT
from tests.faults.driver import NotAcceptedError
from tests.faults.ground import Ground, Row
from tests.faults.processes import ROOT, children_of, wait_until
from tests.faults.stack import python

KILLS = 20
# So many stored tokens for each kill that it falls while some are left.
TOKENS = 12
# Requests a second that go on all the while.
RATE = 5.0
PATIENCE = 60.0
# A process may take so long to start on a machine that has much else to do.
LONGEST_START = 150.0


class Load:
    """Requests at a steady pace from one person, each sent once: what is not taken has failed."""

    def __init__(self, ground: Ground) -> None:
        self.failed: list[str] = []
        # When each was sent, and how long its answer took.
        self.took: list[tuple[float, float]] = []
        self._ground, self._ending = ground, threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> "Load":
        # While the web is renewed nobody takes a request until a new process has started.
        self._ground.driver.patience = LONGEST_START
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._ending.wait(1 / RATE):
            wish, sent = self._ground.wish(name="Under way"), time.monotonic()
            try:
                self._ground.case.accepted.append(self._ground.driver.submit_once(wish))
            except (requests.RequestException, NotAcceptedError) as error:
                self.failed.append(str(error)[:100])
            self.took.append((sent, time.monotonic() - sent))


def rotate(ground: Ground) -> None:
    """F42: the steps of docs/operations/keys.md, with requests going on and the command killed."""
    kills = min(KILLS, max(5, ground.operations // 2))
    _use_file(ground, ground.stack.folder / "keyring.json")
    old = vault.read_ring().primary
    ground.submit(kills * TOKENS)
    ground.settle()
    renewals: list[float] = []
    with Load(ground) as load:
        new = _add_and_promote(ground, renewals)
        midway = sum(_kill_while_sealing(ground, old) for _ in range(kills))
        _command("reseal")
        ground.expect("none is left with the old key", not rotation.count_by_key()[old])
        _command("retire", old)
        _restart_in_turn(ground, renewals)
    ground.settle()
    ground.injected, ground.needed = midway, kills
    sent, slowest = max(load.took, key=lambda one: one[1])
    after = min((sent + slowest - at for at in renewals if at < sent + slowest), default=0.0)
    ground.note = (
        f"{len(load.took)} sent; slowest answer {slowest:.1f} s, {after:.1f} s after a renewal began; "
        f"{load.failed[:3]}"
    )
    ground.expect("no request failed", not load.failed)
    ground.expect("all active", ground.count(OperationState.SUCCEEDED) == ground.rows().count())
    ground.expect("everything opens", not rotation.find_unreadable(vault.read_ring()))
    ground.expect("only the new key seals", set(rotation.count_by_key()) == {new})


def _use_file(ground: Ground, path: Path) -> None:
    """Let every process, this one too, read the ring from a file from now on."""
    path.write_text(settings.VAULT["KEYRING"])
    path.chmod(0o600)
    settings.VAULT.update(KEYRING="", KEYRING_FILE=str(path))
    changes = {"ELEMENTDESK_KEYRING": "", "ELEMENTDESK_KEYRING_FILE": str(path)}
    ground.stack.environment |= changes
    ground.stack.restart_workers(changes)
    ground.stack.web.stop()
    ground.stack.web.start(**changes)
    ground.stack.wait_for_web()


def _add_and_promote(ground: Ground, renewals: list[float]) -> str:
    known = set(vault.read_ring().keys)
    _command("add")
    (new,) = set(vault.read_ring().keys) - known
    _restart_in_turn(ground, renewals)
    _command("promote", new)
    _restart_in_turn(ground, renewals)
    return new


def _command(*words: str) -> None:
    call_command("key_ring", *words, stdout=io.StringIO())
    keyring.ring.cache_clear()


def _restart_in_turn(ground: Ground, renewals: list[float]) -> None:
    """Restart every process as an upgrade does: somebody is there all the while; note when the web begins."""
    master = ground.stack.web.pid
    before = set(children_of(master))
    renewals.append(time.monotonic())
    os.kill(master, signal.SIGHUP)
    for process in ground.stack.workers:
        process.stop()
        process.start()
    renewed = wait_until(lambda: _are_new(master, before), LONGEST_START)
    ground.expect("every process was renewed", renewed)


def _are_new(master: int, before: set[int]) -> bool:
    now = set(children_of(master))
    return bool(now) and not now & before


def _kill_while_sealing(ground: Ground, old: str) -> bool:
    """End the command once it has sealed some; return whether some were left then."""
    before = _sealed_with(old)
    nowhere = subprocess.DEVNULL
    command = python("manage", "key_ring", "reseal")
    running = subprocess.Popen(command, env=ground.stack.environment, stdout=nowhere, cwd=ROOT)
    wait_until(lambda: running.poll() is not None or _sealed_with(old) < before, PATIENCE, 0.001)
    running.kill()
    return running.wait() == -signal.SIGKILL and _sealed_with(old) > 0


def _sealed_with(key_id: str) -> int:
    return Instance.objects.filter(token__startswith=f"{FORMAT}.{key_id}.").count()


ROWS = [
    Row(
        "F42",
        "key changed under load, the command killed",
        rotate,
        is_alone=True,
        is_last=True,
        is_ci=False,
    )
]
