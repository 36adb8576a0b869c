"""Read each organization's catalog of elements once a day, and on demand."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

import structlog
from django.conf import settings
from django.db import connections
from django.db.models import QuerySet
from django.db.models.functions import Now

from instances import vault
from instances.cloud_elements import CloudElementsClient, CloudElementsError, UnauthorizedError
from instances.cloud_elements.elements import ListedElement, catalog, settings_of
from instances.engine import accounts
from instances.engine.claims import lease
from instances.models import CatalogReading, Element, Organization, database_now

logger = structlog.get_logger(__name__)

RETRY_SECONDS = 300.0
_stopping = threading.Event()
_busy = threading.Lock()


class StoppedError(Exception):
    """This process is about to end; another one reads the catalog."""


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="catalog")


def stop() -> None:
    """Begin no reading, and end the one under way before its next call."""
    _stopping.set()


def enroll() -> None:
    """See to it that every organization's catalog comes due."""
    if not settings.ENGINE["CATALOG_EVERY"]:
        return
    new = Organization.objects.filter(catalog_reading=None)
    CatalogReading.objects.bulk_create(
        [CatalogReading(organization=organization) for organization in new], ignore_conflicts=True
    )


def start() -> Future[None] | None:
    """Read what is due on a thread of its own; None if that is under way or nothing is due."""
    if _stopping.is_set() or not _due().exists() or not _busy.acquire(blocking=False):
        return None
    reading = _thread().submit(_read_due)
    reading.add_done_callback(lambda _done: _busy.release())
    return reading


def _read_due() -> None:
    try:
        run()
    except Exception:
        logger.exception("catalog reading stopped")
    finally:
        connections.close_all()


def _due() -> QuerySet[CatalogReading]:
    ready = Organization.objects.callable()
    due = CatalogReading.objects.filter(due_at__lte=Now(), organization__in=ready)
    return due if settings.ENGINE["CATALOG_EVERY"] else due.filter(asked_at__isnull=False)


def run() -> None:
    """Read each catalog that is due; one worker reads each."""
    for reading in _due().select_related("organization"):
        if _due().filter(pk=reading.pk).update(due_at=Now() + lease()):
            _carry_out(reading.organization)


def _carry_out(organization: Organization) -> None:
    began = database_now()
    mine = CatalogReading.objects.filter(pk=organization.pk)
    try:
        read(organization, accounts.client_for(organization), began)
    except StoppedError:
        mine.update(due_at=Now())
        return
    except (CloudElementsError, vault.UnreadableError) as error:
        if isinstance(error, UnauthorizedError) and error.status == 401:
            accounts.mark_refused(organization)
        logger.warning("catalog not read", organization=str(organization.pk), reason=str(error))
        mine.update(due_at=Now() + timedelta(seconds=RETRY_SECONDS), problem=str(error)[:300])
    else:
        every = timedelta(seconds=settings.ENGINE["CATALOG_EVERY"])
        mine.update(due_at=Now() + every, read_at=Now(), problem="")
    mine.filter(asked_at__lte=began).update(asked_at=None)


def read(organization: Organization, client: CloudElementsClient, began: datetime) -> None:
    """
    Store what the catalog shows; mark what it shows no more, once it was seen whole.

    :raises CloudElementsError: the list was not had to its end.
    :raises StoppedError: the process shall end.
    """
    for page in catalog(client):
        for listed in page:
            _renew(organization)
            _store(organization, listed, began, *_asked_for(client, listed.key))
    gone = Element.objects.filter(organization=organization, seen_at__lt=began, gone_at=None)
    gone.update(gone_at=Now())


def _asked_for(client: CloudElementsClient, key: str) -> tuple[list[dict[str, object]] | None, str]:
    """Return what an element asks for, or why that is not known; one odd element spoils no other."""
    try:
        return settings_of(client, key), ""
    except UnauthorizedError as error:
        if error.status == 401:
            raise
        return None, str(error)[:300]
    except CloudElementsError as error:
        return None, str(error)[:300]


def _store(
    organization: Organization,
    listed: ListedElement,
    began: datetime,
    asked_for: list[dict[str, object]] | None,
    problem: str,
) -> None:
    known: dict[str, object] = {
        "remote_id": listed.remote_id,
        "name": listed.name,
        "hub": listed.hub,
        "description": listed.description,
        "authentication": listed.authentication,
        "instructions": listed.instructions,
        "is_active": listed.is_active,
        "problem": problem,
        "seen_at": began,
        "gone_at": None,
    }
    if asked_for is not None:
        known["settings"] = asked_for
    Element.objects.update_or_create(
        organization=organization, element_key=listed.key, defaults=known
    )


def _renew(organization: Organization) -> None:
    """Begin the lease anew before each call, so that no other worker reads the same catalog."""
    if _stopping.is_set():
        raise StoppedError
    CatalogReading.objects.filter(pk=organization.pk).update(due_at=Now() + lease())
