"""Calls to the platform: so many at once in this process, none with the database in hand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from django.conf import settings
from django.db import connection

During = Callable[[], AbstractContextManager[None]]

_stopping = threading.Event()


class StoppingError(Exception):
    """This process is about to end: no further call begins."""


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.ENGINE["CALLS_IN_FLIGHT"])


@contextmanager
def one() -> Iterator[None]:
    """
    Make a call without the database: a connection that waits with us is missing elsewhere.

    :raises RuntimeError: a transaction is open, which would hold locks for as long as the call.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a call to the platform inside a transaction")
    connection.close()
    yield


@contextmanager
def one_of_many() -> Iterator[None]:
    """
    Wait for a place among the calls in flight, then make a call as `one`.

    :raises StoppingError: the process is about to end.
    """
    with one(), _place():
        yield


@contextmanager
def _place() -> Iterator[None]:
    while not _places().acquire(timeout=0.5):
        if _stopping.is_set():
            raise StoppingError
    try:
        if _stopping.is_set():
            raise StoppingError
        yield
    finally:
        _places().release()


def stop() -> None:
    """Let no further call begin; those under way end as they do."""
    _stopping.set()


def is_stopping() -> bool:
    """Return whether no further call begins."""
    return _stopping.is_set()
