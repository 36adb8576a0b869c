"""Very many instances at once, told apart by number and token; made one by one, never all in memory."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox import accounts
from sandbox.catalog import Element
from sandbox.instances import Instance


def records(
    account: int,
    numbers: range,
    *,
    chosen: Sequence[Element],
    name: str = "Crowd",
    tags: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Give one record per number, a second younger than the one before; elements take turns."""
    patterns = [_pattern(account, each, tags) for each in chosen]
    began = time.time() - len(numbers)
    for position, number in enumerate(numbers):
        yield patterns[position % len(patterns)] | {
            "id": number,
            "name": f"{name} {position + 1}",
            "token": accounts.new_token(),
            "created_at": began + position,
        }


def _pattern(account: int, element: Element, tags: Sequence[str]) -> dict[str, Any]:
    return Instance(
        id=0,
        account_id=account,
        element_id=element.id,
        name="",
        token="",
        tags=list(tags),
        configuration=element.completed({}),
    ).record()
