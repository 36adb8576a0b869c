"""Wait for an operation without a database connection, and never with every thread of the server."""

import time
from threading import BoundedSemaphore

from django.conf import settings
from django.db import connection

from instances.models import Operation, OperationState
from instances.problems import ProblemError

# Of each process; Dockerfile starts eight threads.
PLACES = BoundedSemaphore(settings.API["WAITING"])
PAUSES = (0.2, 0.3, 0.5, 1.0)
RETRY_AFTER = 2


def is_settled(operation: Operation) -> bool:
    """Tell whether nothing more happens before somebody does something."""
    waits = (OperationState.NEEDS_PERSON, OperationState.BLOCKED)
    return operation.is_final or operation.state in waits or operation.is_waiting_for_consent


def wait_for(operation: Operation, seconds: float) -> None:
    """
    Return once it is settled, or after so long.

    :raises ProblemError: 503, as many wait as may.
    """
    if not PLACES.acquire(blocking=False):
        detail = "Too many wait already. Ask again later, or without waiting."
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise ProblemError(503, "too-many-waiting", detail, headers=headers)
    try:
        _look_until_settled(operation, time.monotonic() + seconds)
    finally:
        PLACES.release()


def _look_until_settled(operation: Operation, deadline: float) -> None:
    looks = 0
    while not is_settled(operation) and (left := deadline - time.monotonic()) > 0:
        # Given back while nothing is asked; within a test's transaction it has to stay.
        if not connection.in_atomic_block:
            connection.close()
        time.sleep(min(left, PAUSES[min(looks, len(PAUSES) - 1)]))
        looks += 1
        operation.refresh_from_db(fields=["state", "payload"])
