"""The next page of a list is read while the present one is written down."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connections

from instances.engine import ahead
from tests.workers import wait_for


def test_every_page_comes_in_order_with_something_done_before_each_call() -> None:
    calls: list[str] = []
    assert list(ahead.read(iter("abc"), lambda: calls.append("call"))) == ["a", "b", "c"]
    # Three pages, and the question after the last one.
    assert len(calls) == 4


def test_the_next_page_is_asked_for_while_the_present_one_is_in_hand() -> None:
    asked = threading.Event()

    def pages() -> Iterator[str]:
        yield "first"
        asked.set()
        yield "second"

    reading = ahead.read(pages(), lambda: None)
    assert next(reading) == "first"
    assert asked.wait(30)
    assert list(reading) == ["second"]


def test_a_page_that_is_not_had_says_so_after_those_before_it() -> None:
    def pages() -> Iterator[str]:
        yield "first"
        raise ValueError("not had")

    reading = ahead.read(pages(), lambda: None)
    assert next(reading) == "first"
    with pytest.raises(ValueError, match="not had"):
        next(reading)


def test_what_is_said_before_a_call_can_end_the_walk() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(ahead.read(iter("abc"), stop))


@pytest.mark.django_db(transaction=True)
def test_the_database_is_given_back_while_the_platform_takes_long() -> None:
    held = connections["default"]
    held.ensure_connection()

    def pages() -> Iterator[bool]:
        wait_for(lambda: held.connection is None)
        yield True

    assert list(ahead.read(pages(), lambda: None)) == [True]


def test_short_pages_are_written_down_together_and_none_is_left_out() -> None:
    pages = [list(range(400)) for _ in range(4)]
    handed = list(ahead.together(pages))
    assert [(len(lines), number) for lines, number in handed] == [(800, 2), (800, 2)]


def test_what_came_slowly_is_not_held_back() -> None:
    handed = ahead.together([["a"], ["b"]], most_seconds=0.0)
    assert list(handed) == [(["a"], 1), (["b"], 1)]
