"""Do all that is due: claim in batches, many calls in flight on threads, one drain a process."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import structlog
from django.conf import settings
from django.db import close_old_connections

from instances.crash_points import reach
from instances.engine import adopting, deletion, provisioning
from instances.engine.claims import WORKER, Claim, LeaseLostError, lease
from instances.models import Operation, OperationKind

RUNS = {
    OperationKind.CREATE: provisioning.run,
    OperationKind.ADOPT: adopting.run,
    OperationKind.DELETE: deletion.run,
}

logger = structlog.get_logger(__name__)

_draining = threading.Lock()
_bell = threading.Event()
_stopping = threading.Event()


@cache
def _threads() -> ThreadPoolExecutor:
    """Return this process's threads; they keep their database connections between drains."""
    return ThreadPoolExecutor(settings.ENGINE["CALLS_IN_FLIGHT"], thread_name_prefix="call")


def run() -> None:
    """
    Do what is due until nothing is.

    While a drain is under way in this process, another call only wakes it and returns.
    """
    _bell.set()
    while _bell.is_set() and _draining.acquire(blocking=False):
        try:
            _drain()
        finally:
            _draining.release()


def stop() -> None:
    """Claim nothing more; what is under way is finished."""
    _stopping.set()
    _bell.set()


def _drain() -> None:
    under_way: set[Future[None]] = set()
    while True:
        _bell.clear()
        under_way = {call for call in under_way if not call.done()}
        under_way |= {_submit(operation) for operation in _claim(len(under_way))}
        if not under_way:
            return
        _bell.wait(timeout=5)


def _claim(under_way: int) -> list[Operation]:
    free = settings.ENGINE["CALLS_IN_FLIGHT"] - under_way
    if _stopping.is_set() or free < 1:
        return []
    close_old_connections()
    return Operation.objects.claim(worker=WORKER, limit=free, lease=lease())


def _submit(operation: Operation) -> Future[None]:
    call = _threads().submit(work_on, operation)
    call.add_done_callback(lambda _done: _bell.set())
    return call


def work_on(operation: Operation) -> None:
    """Run one claimed operation; whatever goes wrong, its lease ends and it is taken up again."""
    reach("claimed")
    close_old_connections()
    with structlog.contextvars.bound_contextvars(operation=str(operation.pk)):
        try:
            _carry_out(Claim(operation, operation.lease_epoch))
        except LeaseLostError:
            logger.warning("lease lost")
        except Exception:
            logger.exception("operation stopped")
        finally:
            close_old_connections()


def _carry_out(claim: Claim) -> None:
    if claim.is_poison:
        claim.ask_person("poison", "Five workers took this up and left no trace of what they did.")
    else:
        RUNS[OperationKind(claim.operation.kind)](claim)
