"""A list with a line that cannot be read proves nothing about the tag in that line."""

import json

import pytest

from instances.cloud_elements import UnavailableError
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.lists import _found

READABLE = {"id": 7, "name": "Test", "tags": ["other"]}
ODD = {"id": "not a number", "name": "Test", "tags": ["wanted"]}


def page(*lines: object) -> Answer:
    body = json.dumps(lines).encode()
    return Answer(status=200, headers={}, body=body, seconds=0.1, address="192.0.2.1")


def test_an_odd_line_does_not_hide_the_others() -> None:
    assert [found.remote_id for found in _found(page(ODD, READABLE), "another")] == [7]


def test_an_odd_line_with_the_wanted_tag_is_no_proof_of_absence() -> None:
    with pytest.raises(UnavailableError):
        _found(page(READABLE, ODD), "wanted")
