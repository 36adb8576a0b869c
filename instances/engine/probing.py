"""Ask, with the harmless control call, whether a paused organization's platform answers again."""

import structlog

from instances import vault
from instances.cloud_elements import CloudElementsError, UnauthorizedError
from instances.engine import accounts, breaker
from instances.models import Organization

logger = structlog.get_logger(__name__)


def run() -> None:
    """Probe each organization whose pause is over; never with a request that changes anything."""
    for organization in breaker.due_probes():
        probe(organization)


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
