"""What has to be done now and then, whether or not a doorbell rang."""

import structlog
from django.db.models.functions import Now

from instances import audit, fence
from instances.engine import (
    cataloging,
    counting,
    diagnosis,
    health,
    intake,
    platform_log,
    presence,
    probing,
    rotating,
    searching,
    taken_back,
    telling,
    verifying,
)
from instances.models import Consent, OperationSecret, Session, SignInTries

logger = structlog.get_logger(__name__)


def run() -> None:
    """Erase credentials past their time, probe what is paused, search and look at what is due, tell, seal the record."""
    presence.tell()
    if not fence.may_send():
        return
    searching.start()
    probing.run()
    taken_back.ask_deletions()
    verifying.start()
    health.enroll()
    platform_log.enroll()
    cataloging.enroll()
    cataloging.start()
    intake.run()
    rotating.run()
    health.start()
    counting.run()
    telling.start()
    diagnosis.forget()
    platform_log.forget()
    Consent.objects.left_over().erase()
    Session.objects.over().delete()
    SignInTries.objects.forgotten().delete()
    erased, _ = OperationSecret.objects.filter(expires_at__lt=Now()).delete()
    if erased:
        logger.warning("credentials erased unused", count=erased)
    audit.seal_new()
    audit.publish()
