"""One timeline from both sides: in one order, each request once, as far back as it is kept: where its tests begin."""

import pytest
from pytest_django import Settings

from instances.engine import health, platform_log
from instances.models import (
    Instance,
)


@pytest.fixture
def made(made: Instance, settings: Settings) -> Instance:
    """An instance that was made on the platform, and is watched."""
    settings.HEALTH = {**settings.HEALTH, "LOG_EVERY": 3600.0}
    health.enroll()
    platform_log.enroll()
    return made
