"""When each account is searched for strays: after every doubt several times, and daily."""

import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least, Now

from instances import vault
from instances.cloud_elements import CloudElementsError, UnauthorizedError
from instances.engine import accounts, strays, synchronization
from instances.engine.claims import lease
from instances.models import BreakerState, Organization

logger = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 60.0
# A list has hundreds of pages, and a statement for each would be a large part of its work.
FRESH_PART = 0.1
_stopping = threading.Event()
_busy = threading.Lock()
# Failures in a row, as this process saw them; a restart only begins the growth anew.
_failures: Counter[UUID] = Counter()


class StoppedError(Exception):
    """This process is about to end; another one takes the search up."""


@dataclass
class Search:
    """One account, searched by this worker until the lease ends."""

    organization: Organization
    began: datetime
    # When the lease was begun last, by this process's clock.
    renewed_at: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """
        Begin the lease anew before a call, unless hardly any of it has passed.

        :raises StoppedError: the process shall end.
        """
        if _stopping.is_set():
            raise StoppedError
        now = time.monotonic()
        if now - self.renewed_at > FRESH_PART * lease().total_seconds():
            self._held().update(audit_due_at=Now() + lease())
            self.renewed_at = now

    def finish(self) -> None:
        """Remember that the whole account was searched, and come due at the next time."""
        with transaction.atomic():
            self.skip()
            _row(self.organization).update(audited_at=Now())
        del _failures[self.organization.pk]

    def skip(self) -> None:
        """Come due at the next time, as if the whole account had been searched."""
        with transaction.atomic():
            row = _row(self.organization).select_for_update().annotate(now=Now()).get()
            due = row.now + timedelta(seconds=settings.ENGINE["AUDIT_EVERY"])
            if row.doubted_at:
                pauses = [timedelta(seconds=pause) for pause in settings.ENGINE["AUDIT_PAUSES"]]
                times = [row.doubted_at + pause for pause in pauses]
                due = min([due, *(time for time in times if time > self.began)])
            self._held().update(audit_due_at=due)

    def put_off(self) -> None:
        """Try again after a pause that doubles, up to the first regular one."""
        _failures[self.organization.pk] += 1
        longest = settings.ENGINE["AUDIT_PAUSES"][0]
        growth = 2.0 ** min(_failures[self.organization.pk] - 1, 20)
        self._held().update(
            audit_due_at=Now() + timedelta(seconds=min(FIRST_PAUSE_SECONDS * growth, longest))
        )

    def give_back(self) -> None:
        """Come due at once, for another worker."""
        self._held().update(audit_due_at=Now())

    def _held(self) -> QuerySet[Organization]:
        """Exclude a row that became due meanwhile: a person asked for another search."""
        return _row(self.organization).filter(audit_due_at__gt=Now())


def doubt(organization: Organization, *, is_due: bool = False) -> None:
    """Remember that something may appear late: it is looked for at once, or after the first pause."""
    first = timedelta(seconds=0 if is_due else settings.ENGINE["AUDIT_PAUSES"][0])
    soon = Least(F("audit_due_at"), Now() + first)
    _row(organization).update(doubted_at=Now(), audit_due_at=soon)


def start() -> Future[None] | None:
    """
    Search what is due on a thread of its own; None if that is under way or nothing is due.

    A large account takes minutes, and no operation waits for it.
    """
    if _stopping.is_set() or not _due().exists() or not _busy.acquire(blocking=False):
        return None
    search = _thread().submit(_search_due)
    search.add_done_callback(lambda _done: _busy.release())
    return search


def stop() -> None:
    """Begin no search, and end the one under way before its next call."""
    _stopping.set()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="search")


def _search_due() -> None:
    try:
        run()
    except Exception:
        logger.exception("search stopped")
    finally:
        # Hours may pass until this thread needs one again.
        connections.close_all()


def run() -> None:
    """Search each account that is due, one after the other; nobody else searches it meanwhile."""
    for organization in _due().order_by("audit_due_at"):
        if _stopping.is_set():
            return
        if search := _claim(organization):
            with structlog.contextvars.bound_contextvars(organization=str(organization.pk)):
                _carry_out(search)


def _due() -> QuerySet[Organization]:
    return Organization.objects.filter(
        Q(paused_until=None) | Q(paused_until__lte=Now()),
        audit_due_at__lte=Now(),
        is_active=True,
        secrets_refused_at=None,
        breaker=BreakerState.CLOSED,
    )


def _claim(organization: Organization) -> Search | None:
    if not _due().filter(pk=organization.pk).update(audit_due_at=Now() + lease()):
        return None
    row = _row(organization).annotate(now=Now()).get()
    return Search(row, row.now)


def _carry_out(search: Search) -> None:
    organization = search.organization
    try:
        strays.take_in_evidence(organization)
        client = accounts.client_for(organization)
        noticed = strays.search(organization, client, since=search.began, before_call=search.renew)
    except StoppedError:
        synchronization.stop(organization, "The worker was stopped; another one begins again.")
        search.give_back()
    except synchronization.CanceledError:
        synchronization.stop(organization, "It was canceled.")
        search.skip()
    except (CloudElementsError, strays.OtherAccountError, vault.UnreadableError) as error:
        if isinstance(error, UnauthorizedError) and error.status == 401:
            accounts.mark_refused(organization)
        logger.warning("account not searched", reason=str(error) or type(error).__name__)
        synchronization.stop(organization, str(error) or type(error).__name__)
        search.put_off()
    else:
        search.finish()
        logger.info("account searched", findings=noticed)


def _row(organization: Organization) -> QuerySet[Organization]:
    return Organization.objects.filter(pk=organization.pk)
