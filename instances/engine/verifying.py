"""Ask now and then, and on demand, whether the platform still accepts an organization's secrets."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import cache

import structlog
from django.conf import settings
from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from instances import vault
from instances.cloud_elements import CloudElementsError, Identity, UnauthorizedError, introduce
from instances.engine import accounts, replacing
from instances.engine.claims import lease
from instances.models import Candidate, CandidateState, Organization, database_now

logger = structlog.get_logger(__name__)

RETRY_SECONDS = 300.0
_busy = threading.Lock()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="verify")


def start() -> Future[None] | None:
    """Check new secrets and present ones on a thread of its own; None if there is nothing to do."""
    new = Candidate.objects.filter(state=CandidateState.WAITING, due_at__lte=Now())
    if not (_due().exists() or new.exists()) or not _busy.acquire(blocking=False):
        return None
    check = _thread().submit(_check_due)
    check.add_done_callback(lambda _done: _busy.release())
    return check


def _check_due() -> None:
    try:
        replacing.run()
        run()
    except Exception:
        logger.exception("verification stopped")
    finally:
        connections.close_all()


def _due() -> QuerySet[Organization]:
    asked = Q(verify_asked_at__isnull=False)
    if settings.HEALTH["VERIFY_EVERY"]:
        asked |= Q(verify_due_at__lte=Now())
    return Organization.objects.callable().filter(asked, verify_due_at__lte=Now())


def run() -> None:
    """Verify each organization that is due; one worker asks for each."""
    for organization in _due():
        if _due().filter(pk=organization.pk).update(verify_due_at=Now() + lease()):
            verify(organization)


def verify(organization: Organization) -> None:
    """Ask whose the secrets are, and note when they were accepted, or that they are refused."""
    began = database_now()
    try:
        identity = introduce(accounts.client_for(organization))
    except UnauthorizedError:
        accounts.mark_refused(organization)
        _note(organization, settings.HEALTH["VERIFY_EVERY"])
    except (CloudElementsError, vault.UnreadableError) as error:
        logger.warning("not verified", organization=str(organization.pk), reason=str(error))
        _note(organization, RETRY_SECONDS, verify_problem=str(error)[:300])
    else:
        every = settings.HEALTH["VERIFY_EVERY"]
        _note(organization, every, verified_at=Now(), **_told(organization, identity))
    answered = Organization.objects.filter(pk=organization.pk, verify_asked_at__lte=began)
    answered.update(verify_asked_at=None)


def _told(organization: Organization, identity: Identity) -> dict[str, str]:
    account = accounts.account_named(organization.origin, identity.organization_id)
    told = {"account_name": identity.organization, "person": identity.person}
    return told if organization.account else told | {"account": account}


def _note(organization: Organization, seconds: float, **changes: object) -> None:
    """Write down how it went, unless the secrets were replaced meanwhile."""
    known = {"verify_problem": "", "verify_due_at": Now() + timedelta(seconds=seconds)} | changes
    accounts.same_secrets(organization).update(**known)
