"""
Save what many calls have to record in few transactions, on few threads with a connection each.

A call waits until its own record is committed; meanwhile others come, and are saved with the next.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

logger = structlog.get_logger(__name__)

IDLE_SECONDS = 60.0

_is_busy = threading.Event()

Item = TypeVar("Item")
Result = TypeVar("Result")


class Writer:
    """A thread that saves, for as long as there is something to save, and its connection."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._change = threading.Condition()
        self._waiting: list[_Entry] = []
        self._thread: threading.Thread | None = None
        self._is_ending = False

    def add(self, entry: "_Entry") -> None:
        """Take one record to save; starts the thread if it rests."""
        with self._change:
            self._waiting.append(entry)
            self._is_ending = False
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._change.notify_all()

    def close(self) -> None:
        """End the thread and its connection once all is saved; the next record starts it again."""
        with self._change:
            thread, self._is_ending = self._thread, True
            self._change.notify_all()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while entries := self._take():
            _save(entries)
        connection.close()

    def _take(self) -> "list[_Entry]":
        """Wait for something to save; return one kind's, nothing when the thread may end."""
        with self._change:
            while (kind := self._ripe()) is None:
                if self._waiting:
                    first = min(entry.ripe_at for entry in self._waiting)
                    self._change.wait(max(0.0, first - time.monotonic()))
                elif self._is_ending or not self._change.wait(IDLE_SECONDS):
                    self._thread = None
                    return []
            entries = [entry for entry in self._waiting if entry.kind is kind]
            self._waiting = [entry for entry in self._waiting if entry.kind is not kind]
        return entries

    def _ripe(self) -> "Together[Any, Any] | None":
        now = time.monotonic()
        ripe = (entry for entry in self._waiting if entry.ripe_at <= now or self._is_ending)
        first = min(ripe, key=lambda entry: entry.ripe_at, default=None)
        return first.kind if first else None


# No request waits behind what was answered before it.
INTENTS = Writer("intents")
ANSWERS = Writer("answers")


def close() -> None:
    """Save what waits, and end the threads and their connections."""
    for writer in (INTENTS, ANSWERS):
        writer.close()


def be_patient(is_busy: bool) -> None:
    """Say whether these are busy times: more is under way than there are places for calls."""
    if is_busy:
        _is_busy.set()
    else:
        _is_busy.clear()


class Together(Generic[Item, Result]):
    """
    One kind of record, saved for many calls in one transaction.

    `save_all` gets items and returns for each its result, or the error of that item alone. In busy
    times a record waits up to `patience` seconds for others, since a statement for many costs
    little more than one for few.
    """

    def __init__(
        self,
        save_all: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        writer: Writer,
        *,
        patience: float = 0.0,
    ) -> None:
        self.save_all = save_all
        self._writer = writer
        self._patience = patience

    def save(self, item: Item) -> Result:
        """
        Save one item; returns when it is committed.

        :raises Exception: what `save_all` gave for this item; if it failed as a whole, each item is
            tried alone, so that one cannot harm the others.
        """
        entry = _Entry(self, item, self._patience if _is_busy.is_set() else 0.0)
        self._writer.add(entry)
        result: Result = entry.done.result()
        return result


class _Entry:
    def __init__(self, kind: Together[Any, Any], item: object, patience: float) -> None:
        self.kind, self.item = kind, item
        self.ripe_at = time.monotonic() + patience
        self.done: Future[Any] = Future()


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
