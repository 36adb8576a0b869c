"""What carries our tag and is nobody's here becomes a finding, once, and nothing is deleted: where its tests begin."""

import pytest

from instances.models import (
    Operation,
)
from sandbox.running import Account
from tests.strays.steps import Ask, work


@pytest.fixture
def settled(ask: Ask, account: Account) -> Operation:
    """An operation that is done, with its instance on the platform."""
    instance = ask()
    work()
    return instance.operations.get()
