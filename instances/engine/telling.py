"""Tell people of what happened: on a thread of its own, so that no slow server holds up anything else."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import structlog
from django.db import connections

from instances.engine import expiring, hooks, letters, spreading

logger = structlog.get_logger(__name__)

_busy = threading.Lock()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="telling")


def start() -> Future[None] | None:
    """Tell what there is to tell; None if that is under way."""
    if not _busy.acquire(blocking=False):
        return None
    told = _thread().submit(_tell)
    told.add_done_callback(lambda _done: _busy.release())
    return told


def _tell() -> None:
    try:
        run()
    except Exception:
        logger.exception("telling interrupted")
    finally:
        connections.close_all()


def run() -> None:
    """Note what ends soon, spread what is new, send what is due, forget what is old; webhooks on threads of their own."""
    expiring.warn()
    spreading.run()
    hooks.start()
    letters.run()
    spreading.forget()
