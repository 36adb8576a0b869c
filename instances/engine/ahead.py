"""Read the next page of a list while the present one is being written down, some of them together."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import connection, connections

Page = TypeVar("Page")
Line = TypeVar("Line")

# Longer than this, and the database is not kept waiting with us.
PATIENCE_SECONDS = 0.1
# So many lines are written down together at most, or what came within so long: a statement for many
# costs little more than one for few, and whoever watches sees it go on.
LINES_TOGETHER, SECONDS_TOGETHER = 800, 1.0


def read(pages: Iterator[Page], before_call: Callable[[], None]) -> Generator[Page, None, None]:
    """
    Yield what `pages` yields, each asked for while the one before it is in the caller's hands.

    `before_call` runs before each call, in the caller's thread. Close the generator when done: it waits
    for the call that is under way.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        before_call()
        coming = thread.submit(_next, pages)
        while (page := _had(coming)) is not None:
            before_call()
            coming = thread.submit(_next, pages)
            yield page


def together(
    pages: Iterable[Sequence[Line]], *, most_seconds: float = SECONDS_TOGETHER
) -> Iterator[tuple[list[Line], int]]:
    """Yield the lines of some pages in a row, and of how many pages they are; the last ones too."""
    lines: list[Line] = []
    number, since = 0, time.monotonic()
    for page in pages:
        lines += page
        number += 1
        if len(lines) >= LINES_TOGETHER or time.monotonic() - since >= most_seconds:
            yield lines, number
            lines, number, since = [], 0, time.monotonic()
    if number:
        yield lines, number


def _next(pages: Iterator[Page]) -> Page | None:
    try:
        return next(pages, None)
    finally:
        # A call that failed is noted down, from here.
        connections.close_all()


def _had(coming: "Future[Page | None]") -> Page | None:
    if not wait([coming], PATIENCE_SECONDS).done:
        connection.close()
    return coming.result()
