"""Ask, with the harmless control call, whether a paused organization's platform answers again."""

from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import connection

from instances import vault
from instances.cloud_elements import CloudElementsError, UnauthorizedError
from instances.engine import accounts, breaker
from instances.models import Organization

logger = structlog.get_logger(__name__)

AT_ONCE = 16


def run() -> None:
    """
    Probe each organization whose pause is over; never with a request that changes anything.

    Several at a time: one that hangs does not keep another paused.
    """
    if due := breaker.due_probes():
        with ThreadPoolExecutor(min(len(due), AT_ONCE), thread_name_prefix="probe") as threads:
            list(threads.map(_probe_apart, due))


def _probe_apart(organization: Organization) -> None:
    try:
        probe(organization)
    except Exception:
        logger.exception("probe interrupted", organization=str(organization.pk))
    finally:
        connection.close()


def probe(organization: Organization) -> None:
    """Close the breaker if the platform answers, also if it answers that the secrets are wrong."""
    try:
        accounts.client_for(organization).identify()
    except UnauthorizedError:
        accounts.mark_refused(organization)
        breaker.close(organization)
    except CloudElementsError as error:
        breaker.stay_open(organization, error.retry_after)
    except vault.UnreadableError:
        breaker.stay_open(organization)
    else:
        breaker.close(organization)
