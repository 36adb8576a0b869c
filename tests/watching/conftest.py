"""Instances are looked at: what is asked, what is believed, what it costs, and who is told to act: where its tests begin."""

import pytest

from instances.engine import health
from instances.models import (
    Instance,
)
from sandbox.running import Account
from tests.cases import work
from tests.watching.steps import Ask


@pytest.fixture
def made(ask: Ask, account: Account) -> Instance:
    """An instance that was made on the platform, and is watched."""
    instance = ask()
    work()
    health.enroll()
    instance.refresh_from_db()
    return instance
