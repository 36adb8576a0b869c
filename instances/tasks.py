"""When work is tried: at each ring of the doorbell, and by itself every few seconds."""

import threading
from uuid import UUID

import structlog
from celery import bootsteps, shared_task
from celery.signals import worker_init, worker_shutting_down
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError

from instances import crash_points, fence, vault
from instances.crash_points import reach
from instances.engine import (
    cataloging,
    drain,
    health,
    housekeeping,
    presence,
    searching,
    siblings,
    telling,
    verifying,
)

logger = structlog.get_logger(__name__)

_stopping = threading.Event()


def ring(row_id: UUID) -> None:
    """Wake a worker; if the broker is away, one finds the work by itself a little later."""
    reach("recorded")
    try:
        work.delay(str(row_id))
    except OperationalError:
        logger.warning("doorbell not heard", row=str(row_id))
    reach("rung")


@shared_task(name="instances.work")
def work(row_id: str) -> None:
    """Answer the doorbell: do what is due. The id is for the log."""
    logger.info("doorbell", row=str(UUID(row_id)))
    reach("woken")
    drain.wake()


def ring_for_test(row_id: UUID) -> None:
    """Wake a worker to look at an instance; if the broker is away, one does so by itself a little later."""
    try:
        look.delay(str(row_id))
    except OperationalError:
        logger.warning("doorbell not heard", row=str(row_id))


@shared_task(name="instances.look")
def look(row_id: str) -> None:
    """Look at what is due. The id is for the log."""
    logger.info("asked to look", row=str(UUID(row_id)))
    if fence.may_send():
        health.start()


def ring_for_check(row_id: UUID) -> None:
    """Wake a worker to ask about an organization's secrets; without a broker one does so a little later."""
    try:
        verify.delay(str(row_id))
    except OperationalError:
        logger.warning("doorbell not heard", row=str(row_id))


@shared_task(name="instances.verify")
def verify(row_id: str) -> None:
    """Check secrets that are due. The id is for the log."""
    logger.info("asked to verify", row=str(UUID(row_id)))
    if fence.may_send():
        verifying.start()


def ring_for_catalog(row_id: UUID) -> None:
    """Wake a worker to read an organization's catalog; without a broker one does so a little later."""
    try:
        read_catalog.delay(str(row_id))
    except OperationalError:
        logger.warning("doorbell not heard", row=str(row_id))


@shared_task(name="instances.read_catalog")
def read_catalog(row_id: str) -> None:
    """Read catalogs that are due. The id is for the log."""
    logger.info("asked to read the catalog", row=str(UUID(row_id)))
    if fence.may_send():
        cataloging.start()


def ring_for_telling(row_id: UUID) -> None:
    """Wake a worker to tell people of what happened; without a broker one does so a little later."""
    try:
        tell.delay(str(row_id))
    except OperationalError:
        logger.warning("doorbell not heard", row=str(row_id))


@shared_task(name="instances.tell")
def tell(row_id: str) -> None:
    """Tell what there is to tell. The id is for the log."""
    logger.info("asked to tell", row=str(UUID(row_id)))
    if fence.may_send():
        telling.start()


@worker_init.connect
def begin(**_kwargs: object) -> None:
    """Stop before the first message when the key ring does not open what is stored; then fork."""
    crash_points.stop_if_refused()
    vault.stop_unless_ready()
    siblings.start(drain.wake, _end_sibling)


def _end_sibling() -> None:
    drain.stop()
    drain.finish()


class Engine(bootsteps.StartStopStep):
    """
    What a worker does by itself: a step of its start before that which waits for the broker.

    By then it obeys signals, so that no call is cut off by one.
    """

    def start(self, worker: object) -> None:
        """Begin work and housekeeping; neither depends on the broker."""
        siblings.watch()
        drain.wake()
        threading.Thread(target=_keep_house, name="housekeeping", daemon=True).start()

    def stop(self, worker: object) -> None:
        """Let the process end only when the calls under way have."""
        stop()
        drain.finish()
        siblings.finish()
        presence.leave()


def _keep_house() -> None:
    """Keep house every few seconds; several workers may: whatever calls out is claimed first."""
    while not _stopping.wait(settings.ENGINE["SWEEP_SECONDS"]):
        try:
            housekeeping.run()
        except Exception:
            logger.exception("housekeeping interrupted")
        finally:
            connection.close()


@worker_shutting_down.connect
def stop(**_kwargs: object) -> None:
    """Begin nothing more: what was claimed and has not begun is given back."""
    _stopping.set()
    siblings.stop()
    drain.stop()
    searching.stop()
    health.stop()
    cataloging.stop()
