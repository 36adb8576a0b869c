"""Erase what must not be kept longer."""

import structlog
from django.db.models.functions import Now

from instances.models import OperationSecret

logger = structlog.get_logger(__name__)


def run() -> None:
    """Erase credentials past their time; their operations then ask for a person."""
    erased, _ = OperationSecret.objects.filter(expires_at__lt=Now()).delete()
    if erased:
        logger.warning("credentials erased unused", count=erased)
