"""
Save what many calls have to record in few transactions, on one thread with one connection.

A call waits until its own record is committed; meanwhile others come, and are saved with the next.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

logger = structlog.get_logger(__name__)

IDLE_SECONDS = 60.0

Item = TypeVar("Item")
Result = TypeVar("Result")

_change = threading.Condition()
_waiting: "list[_Entry]" = []
_thread: threading.Thread | None = None
_is_ending = False


class Together(Generic[Item, Result]):
    """
    One kind of record, saved for many calls in one transaction.

    `save_all` gets items and returns for each its result, or the error of that item alone. What is
    more urgent (a smaller number) is saved first.
    """

    def __init__(
        self,
        save_all: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        urgency: int,
    ) -> None:
        self.save_all = save_all
        self.urgency = urgency

    def save(self, item: Item) -> Result:
        """
        Save one item; returns when it is committed.

        :raises Exception: what `save_all` gave for this item; if it failed as a whole, each item is
            tried alone, so that one cannot harm the others.
        """
        entry = _Entry(self, item)
        with _change:
            _waiting.append(entry)
            _wake()
        result: Result = entry.done.result()
        return result


class _Entry:
    def __init__(self, kind: Together, item: object) -> None:  # type: ignore[type-arg]  # any kind
        self.kind, self.item = kind, item
        self.done: Future = Future()  # type: ignore[type-arg]  # as its kind's result


def close() -> None:
    """End the thread and its connection once all is saved; the next record starts it again."""
    global _is_ending
    with _change:
        thread, _is_ending = _thread, True
        _change.notify_all()
    if thread is not None:
        thread.join()


def _wake() -> None:
    global _thread, _is_ending
    _is_ending = False
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_run, name="writer", daemon=True)
        _thread.start()
    _change.notify_all()


def _run() -> None:
    while entries := _take():
        _save(entries)
    connection.close()


def _take() -> list[_Entry]:
    """Wait for something to save; return the most urgent kind's, nothing when the thread may end."""
    global _thread
    with _change:
        _change.wait_for(lambda: _waiting or _is_ending, timeout=IDLE_SECONDS)
        if not _waiting:
            _thread = None
            return []
        kind = min((entry.kind for entry in _waiting), key=lambda kind: kind.urgency)
        entries = [entry for entry in _waiting if entry.kind is kind]
        _waiting[:] = [entry for entry in _waiting if entry.kind is not kind]
    return entries


def _save(entries: list[_Entry]) -> None:
    try:
        with transaction.atomic():
            results = entries[0].kind.save_all([entry.item for entry in entries])
    except Exception as error:
        _save_apart(entries, error)
        return
    for entry, result in zip(entries, results, strict=True):
        if isinstance(result, Exception):
            entry.done.set_exception(result)
        else:
            entry.done.set_result(result)


def _save_apart(entries: list[_Entry], error: Exception) -> None:
    if isinstance(error, OperationalError | InterfaceError) and not connection.is_usable():
        connection.close()
    elif len(entries) > 1:
        logger.warning("saved apart", number=len(entries), error=type(error).__name__)
        for entry in entries:
            _save([entry])
        return
    for entry in entries:
        entry.done.set_exception(error)
