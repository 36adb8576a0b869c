"""When work is tried: the doorbell, the sweep. Ids in, nothing out; the rows say what to do."""

from uuid import UUID

import structlog
from celery import shared_task
from celery.signals import beat_init, worker_init, worker_shutting_down
from kombu.exceptions import OperationalError

from instances import crash_points, vault
from instances.crash_points import reach
from instances.engine import drain, housekeeping, searching

logger = structlog.get_logger(__name__)


def ring(row_id: UUID) -> None:
    """Wake a worker; if the broker is away, the sweep finds the work a little later."""
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
    drain.run()


@shared_task(name="instances.sweep")
def sweep() -> None:
    """Find what no doorbell announced, and erase credentials past their time."""
    housekeeping.run()
    drain.run()


@worker_init.connect
@beat_init.connect
def stop_without_keys(**_kwargs: object) -> None:
    """Stop before the first message when the key ring does not open what is stored."""
    crash_points.stop_if_refused()
    vault.stop_unless_ready()


@worker_shutting_down.connect
def finish_calls(**_kwargs: object) -> None:
    """Claim nothing more, so that a warm shutdown waits only for the calls under way."""
    drain.stop()
    searching.stop()
