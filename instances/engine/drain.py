"""Do all that is due: claim in batches, many calls in flight on threads, one drain a process."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from instances import fence
from instances.crash_points import reach
from instances.engine import adopting, calls, deletion, lifecycle, provisioning, siblings, writer
from instances.engine.batch import Batch
from instances.engine.claims import Claim, LeaseLostError, lease, worker
from instances.models import CHANGES, Operation, OperationKind

RUNS = {
    OperationKind.CREATE: provisioning.run,
    OperationKind.ADOPT: adopting.run,
    OperationKind.DELETE: deletion.run,
    **dict.fromkeys(CHANGES, lifecycle.run),
}

# Between two claims: the others take their part before this process claims ahead, and calls that end
# one by one are not each worth the question whether more is due.
PACE_SECONDS = 0.05

logger = structlog.get_logger(__name__)

_bell = threading.Event()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def held() -> int:
    """
    Return how many operations to hold at once.

    In quick times three times the calls in flight: a third is on its way, a third waits for a place
    or for its records, and a third was claimed ahead, many in one question. Otherwise none that
    would wait for a place here while another process has one.
    """
    return 3 * calls.most() if calls.is_quick() else calls.most()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2 * calls.most(), thread_name_prefix="call")


def wake() -> None:
    """
    See to it that this process does what is due; returns at once.

    From the first time on it also looks by itself, every few seconds, so that nothing depends on
    being woken.
    """
    global _thread
    _bell.set()
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_serve, name="drain", daemon=True)
            _thread.start()


def stop() -> None:
    """Claim nothing more, and give back what has not begun; returns at once."""
    calls.stop()
    _bell.set()


def finish() -> None:
    """Wait until the calls under way have ended and what they brought is saved."""
    if _thread is not None:
        _thread.join()
    writer.close()


def _serve() -> None:
    under_way: set[Future[None]] = set()
    while under_way or not calls.is_stopping():
        try:
            _drain(under_way)
        except Exception:
            # The database is away, most likely: what is under way insists by itself.
            logger.exception("drain interrupted")
            connection.close()
            time.sleep(1)
        _bell.wait(0 if calls.is_stopping() else settings.ENGINE["SWEEP_SECONDS"])
    connection.close()


def _drain(under_way: set[Future[None]]) -> None:
    """Do what is due until nothing is."""
    while True:
        _bell.clear()
        began = time.monotonic()
        under_way -= {call for call in under_way if call.done()}
        room = held() - len(under_way)
        # In quick times enough to be worth the question.
        is_worth_it = room >= (calls.most() if calls.is_quick() else 1)
        claimed = _claim(min(room, calls.most())) if is_worth_it else set()
        under_way |= claimed
        writer.be_patient(len(under_way) > calls.most())
        if not under_way:
            return
        if len(claimed) == calls.most():
            siblings.ring()
        else:
            # What comes due because somebody asked, or because a call ended, rings.
            _bell.wait(settings.ENGINE["SWEEP_SECONDS"])
        time.sleep(max(0.0, began + PACE_SECONDS - time.monotonic()))


def _claim(number: int) -> set[Future[None]]:
    """Claim up to `number` operations and begin them."""
    if calls.is_stopping():
        return set()
    close_old_connections()
    if not fence.may_send():
        return set()
    batch = Batch()
    claimed = Operation.objects.claim(worker=worker(), limit=number, lease=lease())
    for operation in claimed:
        batch.may_create(operation)
    return {_submit(operation, batch) for operation in claimed}


def _submit(operation: Operation, batch: Batch) -> Future[None]:
    call = _threads().submit(work_on, operation, batch)
    call.add_done_callback(lambda _done: _bell.set())
    return call


def work_on(operation: Operation, batch: Batch | None = None) -> None:
    """Run one claimed operation; whatever goes wrong, its lease ends and it is taken up again."""
    reach("claimed")
    claim = Claim(operation, operation.lease_epoch, batch or Batch())
    with structlog.contextvars.bound_contextvars(operation=str(operation.pk)):
        try:
            _carry_out(claim)
        except (calls.StoppingError, calls.HeldBackError):
            claim.give_back()
        except LeaseLostError:
            logger.warning("lease lost")
            claim.forget()
        except Exception:
            logger.exception("operation stopped")
        finally:
            connection.close()


def _carry_out(claim: Claim) -> None:
    if claim.is_poison:
        claim.ask_person("poison", "Five workers took this up and left no trace of what they did.")
    else:
        RUNS[OperationKind(claim.operation.kind)](claim)
