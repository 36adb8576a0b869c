"""An instance is rotated: a twin beside it, both for a while, then the old one leaves; stops are said: where its tests begin."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from instances.models import (
    Instance,
    Rotation,
)
from instances.operations import (
    request_instance_rotation,
)
from sandbox.running import Account
from tests.cases import work
from tests.rotation.steps import (
    Rotate,
    come_to_an_end,
    forward,
    prove,
)


@pytest.fixture
def rotate(made: Instance, operator: User, account: Account) -> Rotate:
    """Ask that `made` is rotated."""

    def rotate(**changes: object) -> Rotation:
        asked: dict[str, Any] = {
            "requester": operator,
            "old": made,
            "name": "Billing sandbox (2026-11-23)",
            "configuration": {
                "zuorav2.sandbox": True,
                "username": account.sandbox.username,
                "password": account.sandbox.password,
            },
            "tag_names": ["billing"],
            "client_request_id": uuid.uuid4(),
            "days": 7.0,
        }
        return request_instance_rotation(**{**asked, **changes})

    return rotate


@pytest.fixture
def created(rotate: Rotate) -> Rotation:
    """A rotation whose new one was created and not tested yet."""
    rotation = rotate()
    work()
    return forward(rotation)


@pytest.fixture
def both(created: Rotation) -> Rotation:
    """A rotation whose two instances work, for a week."""
    return prove(created)


@pytest.fixture
def leaving(both: Rotation) -> Rotation:
    """A rotation whose old one is disabled, and deleted in a week."""
    rotation = come_to_an_end(both)
    work()
    return forward(rotation)
