"""The catalog is read as a whole, bounded, and shown; odd elements spoil no others: where its tests begin."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from instances.engine import cataloging
from instances.models import CatalogReading, Organization


@pytest.fixture
def read(organization: Organization, settings: Settings) -> Callable[[], CatalogReading]:
    """Let a worker read the catalog, now."""
    settings.ENGINE = {**settings.ENGINE, "CATALOG_EVERY": 3600.0}

    def run() -> CatalogReading:
        cataloging.enroll()
        CatalogReading.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        cataloging.run()
        return CatalogReading.objects.get()

    return run
