"""Instances are looked at: what is asked, what is believed, what it costs, and who is told to act: where its tests begin."""

import pytest

from instances.engine import health
from instances.models import (
    Instance,
)


@pytest.fixture
def made(made: Instance) -> Instance:
    """An instance that was made on the platform, and is watched."""
    health.enroll()
    return made
