"""Calls to the platform: so many at once in this process, none with the database in hand."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial

from django.conf import settings
from django.db import connection

# How long anything waits for a place; for a recorded request this part of the time for a call at most.
PLACE_SECONDS = 5.0
PLACE_PART = 0.25
# A place that was taken no longer than this shows that others become free soon.
QUICK_SECONDS = 1.0
# A request that was on its way to its first byte for longer asks again whether calls go out.
STALE_SECONDS = 0.25

During = Callable[[bool], AbstractContextManager[Callable[[], None] | None]]

_stopping = threading.Event()
_share = (0, 1)
_seat = threading.local()
_is_quick = threading.Event()


class StoppingError(Exception):
    """This process is about to end: no further call begins."""


class HeldBackError(Exception):
    """Nothing may leave any more: it was taken back, or its organization's calls are held back."""


def take_share(position: int, number: int) -> None:
    """Let this process have its part of the worker's calls: it is the one of `number` at `position`."""
    global _share
    _share = (position, number)


def most() -> int:
    """Return how many calls this process may have in flight at once."""
    position, number = _share
    calls_in_flight: int = settings.ENGINE["CALLS_IN_FLIGHT"]
    # What does not divide goes to the first ones.
    return (calls_in_flight + number - 1 - position) // number


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(most())


@cache
def _anteroom() -> threading.BoundedSemaphore:
    """
    Where half as many connect and record their request ahead, so that no place stays empty.

    A crash leaves theirs in doubt too, which the looks then find not to have been sent.
    """
    return threading.BoundedSemaphore(max(1, most() // 2))


@contextmanager
def one(_is_recorded: bool) -> Iterator[Callable[[], None] | None]:
    """
    Make a call without the database: a connection that waits with us is missing elsewhere.

    :raises RuntimeError: a transaction is open, which would hold locks for as long as the call.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a call to the platform inside a transaction")
    connection.close()
    yield None


@contextmanager
def one_of_many(
    is_recorded: bool, may_call: Callable[[], bool]
) -> Iterator[Callable[[], None] | None]:
    """
    Wait for a place among the calls in flight, then make a call as `one`.

    A request that is recorded before it leaves takes its place right before its first byte, with
    `take_place`: in quick times it waits until then with few others. `may_call` tells whether calls
    go out.

    :raises HeldBackError: calls do not go out any more, or every place is taken for long.
    :raises StoppingError: the process is about to end.
    """
    with one(is_recorded):
        _sit(_anteroom() if is_recorded and is_quick() else _places())
        _seat.may_call = may_call
        try:
            # What is recorded first is asked this together with its record.
            yield None if is_recorded else _asked()
        finally:
            _leave()


def _asked() -> Callable[[], None]:
    """Ask whether calls go out; return what asks once more, if that was long ago."""
    asked_at = time.monotonic()
    if not _may_call():
        raise HeldBackError
    return partial(_ask_again, asked_at)


def _ask_again(asked_at: float) -> None:
    if not _may_still_call(asked_at):
        raise HeldBackError


def _may_still_call(asked_at: float) -> bool:
    """Tell whether calls go out; what was asked only just now is not asked again."""
    is_fresh = time.monotonic() < asked_at + STALE_SECONDS
    return is_fresh or _may_call()


def is_quick() -> bool:
    """Return whether places become free so soon that something may wait for one."""
    return _is_quick.is_set()


def _may_call() -> bool:
    try:
        may_call: bool = _seat.may_call()
        return may_call
    finally:
        connection.close()


def _sit(seats: threading.BoundedSemaphore) -> None:
    end = time.monotonic() + PLACE_SECONDS
    while not seats.acquire(timeout=min(0.5, PLACE_SECONDS)):
        if _stopping.is_set():
            raise StoppingError
        if time.monotonic() > end:
            _is_quick.clear()
            raise HeldBackError
    if _stopping.is_set():
        seats.release()
        raise StoppingError
    _seat.taken, _seat.since = seats, time.monotonic()


def _leave() -> None:
    if _seat.taken is _places():
        was_quick = time.monotonic() < _seat.since + QUICK_SECONDS
        _is_quick.set() if was_quick else _is_quick.clear()
    _seat.taken.release()
    del _seat.taken, _seat.may_call


def take_place(*, asked_at: float) -> bool:
    """
    Take a place for the request that this thread has recorded; False if it shall not leave.

    `asked_at` is a moment (`time.monotonic`) before its record asked whether calls go out.
    """
    seat = getattr(_seat, "taken", None)
    if seat is _anteroom():
        part = PLACE_PART * settings.ENGINE["CALL_SECONDS"]
        if not _places().acquire(timeout=min(PLACE_SECONDS, part)):
            _is_quick.clear()
            return False
        _seat.taken, _seat.since = _places(), time.monotonic()
        seat.release()
    return not _stopping.is_set() and _may_still_call(asked_at)


def stop() -> None:
    """Let no further call begin; those under way end as they do."""
    _stopping.set()


def is_stopping() -> bool:
    """Return whether no further call begins."""
    return _stopping.is_set()
