"""Read the next page of a list while the present one is being written down."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import connection, connections

Page = TypeVar("Page")

# Longer than this, and the database is not kept waiting with us.
PATIENCE_SECONDS = 0.1


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
