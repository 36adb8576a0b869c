"""
A worker of several processes: each computes on a core of its own, and they share its calls.

The first is Celery's. It forks the others before it has a thread or a connection, so that what they
loaded is in memory once. A pipe to each is its doorbell; the pipe's end tells it to end as well, so
that none outlives the first, however that one ends.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog
from django.conf import settings
from django.db import connections

from instances.engine import calls

logger = structlog.get_logger(__name__)

_bells: list[int] = []
_pids: list[int] = []
_watching: list[threading.Thread] = []
_stopping = threading.Event()


def start(wake: Callable[[], None], end: Callable[[], None]) -> None:
    """Fork the others: each calls `wake` at the beginning and at each ring, and `end` at the end."""
    number = min(settings.ENGINE["PROCESSES"], settings.ENGINE["CALLS_IN_FLIGHT"])
    connections.close_all()
    # What is collected before the fork leaves no holes for the processes to fill, each its own.
    gc.collect()
    gc.freeze()
    for position in range(1, number):
        hear, bell = os.pipe()
        pid = os.fork()
        if not pid:
            _close([*_bells, bell])
            calls.take_share(position, number)
            _live(hear, wake, end)
        os.close(hear)
        os.set_blocking(bell, False)
        _bells.append(bell)
        _pids.append(pid)
    calls.take_share(0, number)


def _live(hear: int, wake: Callable[[], None], end: Callable[[], None]) -> None:
    code = 1
    try:
        for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # A signal to the whole group reaches the first too, which tells when to end.
            signal.signal(asked, signal.SIG_IGN)
        wake()
        while os.read(hear, 1024):
            wake()
        end()
        code = 0
    except Exception:
        logger.exception("process of the worker stopped")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ring() -> None:
    """Wake the others; returns at once."""
    for bell in _bells:
        # Full, it rings already; broken, `watch` sees it.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(bell, b".")


def watch() -> None:
    """Stop this worker as SIGTERM does if one of the others ends by itself: it is one unit."""
    for pid in _pids:
        thread = threading.Thread(target=_watch, args=[pid], name=f"watch-{pid}", daemon=True)
        thread.start()
        _watching.append(thread)


def _watch(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    if not _stopping.is_set():
        code = os.waitstatus_to_exitcode(status)
        logger.error("process of the worker ended, so the worker stops", pid=pid, exit_code=code)
        os.kill(os.getpid(), signal.SIGTERM)


def stop() -> None:
    """Tell the others to end; returns at once."""
    _stopping.set()
    _close(_bells)


def finish() -> None:
    """Wait until the others have ended."""
    for thread in _watching:
        thread.join()


def _close(bells: list[int]) -> None:
    while bells:
        os.close(bells.pop())
