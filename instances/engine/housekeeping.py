"""What has to be done now and then, whether or not a doorbell rang."""

import time
from functools import lru_cache

import structlog
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now

from instances import audit, fence
from instances.engine import (
    cataloging,
    counting,
    diagnosis,
    health,
    intake,
    platform_log,
    presence,
    probing,
    rotating,
    searching,
    taken_back,
    telling,
    verifying,
)
from instances.models import Consent, Instance, OperationSecret, Session, SignInTries

logger = structlog.get_logger(__name__)

# Seconds between two looks, and with how few instances no plan matters.
LOOK_EVERY, FEW = 600, 1000


def run() -> None:
    """Erase credentials past their time, probe what is paused, search and look at what is due, tell, seal the record."""
    presence.tell()
    if not fence.may_send():
        return
    searching.start()
    probing.run()
    taken_back.ask_deletions()
    verifying.start()
    health.enroll()
    platform_log.enroll()
    cataloging.enroll()
    cataloging.start()
    intake.run()
    rotating.run()
    health.start()
    counting.run()
    telling.start()
    diagnosis.forget()
    platform_log.forget()
    Consent.objects.left_over().erase()
    Session.objects.over().delete()
    SignInTries.objects.forgotten().delete()
    erased, _ = OperationSecret.objects.filter(expires_at__lt=Now()).delete()
    if erased:
        logger.warning("credentials erased unused", count=erased)
    audit.seal_new()
    audit.publish()
    count_tables(int(time.monotonic() // LOOK_EVERY))


@lru_cache(maxsize=1)
def count_tables(_period: int) -> None:
    """
    Have SQLite count its tables once they have doubled; PostgreSQL does so by itself.

    Uncounted, it reads all instances to find those with a tag. Its `PRAGMA optimize` looks at a part of
    each index, and then takes every tag for as common as the first one.
    """
    if connection.vendor != "sqlite" or (number := Instance.objects.count()) < FEW:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
        counted = _counted(cursor) if cursor.fetchone() else 0
        if not counted / 2 < number < counted * 2:
            cursor.execute("ANALYZE")


def _counted(cursor: CursorWrapper) -> int:
    """Return how many instances there were when SQLite counted last."""
    table = Instance._meta.db_table
    cursor.execute("SELECT MAX(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = %s", [table])
    return int(cursor.fetchone()[0] or 0)
