"""Deliver to webhooks what an organization's people are told: at least once, under one id."""

import hashlib
import hmac
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from instances import vault
from instances.cloud_elements.posting import Posted, post
from instances.crash_points import reach
from instances.engine import calls
from instances.models import (
    Delivery,
    DeliveryState,
    DeliveryTry,
    Notice,
    NoticeKind,
    Webhook,
    WebhookShape,
    database_now,
    key_of,
)
from instances.vault import Purpose

logger = structlog.get_logger(__name__)

# So many webhooks at the same time, each of them one message after the other.
AT_ONCE = 4
IN_A_ROUND = 50
LEASE = timedelta(seconds=60)

_busy: set[UUID] = set()
_lock = threading.Lock()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")


def start() -> None:
    """Deliver what is due, each webhook on a thread of its own; nothing waits for it here."""
    for webhook in due():
        with _lock:
            if calls.is_stopping() or webhook.pk in _busy:
                continue
            _busy.add(webhook.pk)
        _threads().submit(_round, webhook)


def due() -> list[Webhook]:
    """Return the webhooks that something is to be sent to now."""
    return list(
        Webhook.objects.filter(Exists(Delivery.objects.due().filter(webhook=OuterRef("pk"))))
    )


def _round(webhook: Webhook) -> None:
    try:
        run(webhook)
    except Exception:
        logger.exception("webhook stopped", webhook=str(webhook.pk))
    finally:
        with _lock:
            _busy.discard(webhook.pk)
        connections.close_all()


def run(webhook: Webhook) -> None:
    """
    Deliver what is due to one webhook, the oldest first, until one try fails.

    The next round goes on with the next message, so that no receiver keeps a thread for long.
    """
    for _ in range(IN_A_ROUND):
        if calls.is_stopping() or (delivery := Delivery.objects.claim(webhook, LEASE)) is None:
            return
        if not deliver(delivery):
            return


def deliver(delivery: Delivery) -> bool:
    """Make one try, and write down how it ended; False if the receiver did not take it."""
    webhook = delivery.webhook
    if not webhook.is_active:
        _finish(delivery, DeliveryState.DROPPED)
        return True
    try:
        posted = _post(delivery)
    except vault.UnreadableError:
        posted = Posted(problem="sealed-secrets")
    reach("webhook sent")
    with transaction.atomic():
        if not posted.is_accepted:
            # Before the try itself, so that it is not later than that.
            failing = Webhook.objects.filter(pk=webhook.pk, failing_since=None)
            failing.update(failing_since=Now())
        DeliveryTry.objects.create(
            delivery=delivery,
            http_status=posted.status,
            milliseconds=posted.milliseconds,
            problem=posted.problem,
            answer=posted.answer,
        )
        if posted.is_accepted:
            _finish(delivery, DeliveryState.SENT)
            Webhook.objects.filter(pk=webhook.pk).update(failing_since=None)
        else:
            _try_later(delivery)
    return posted.is_accepted


def _post(delivery: Delivery) -> Posted:
    webhook = delivery.webhook
    url = vault.open_sealed(webhook, "url", purpose=Purpose.TELL)
    secrets = [vault.open_sealed(webhook, name, purpose=Purpose.TELL) for name in _signing(webhook)]
    moment = str(int(database_now().timestamp()))
    keys = [one.reveal() for one in secrets]
    headers = _headers(delivery, moment, keys) if keys else {}
    with calls.one(False):
        return post(
            url,
            delivery.body,
            headers,
            secrets=secrets,
            ca_bundle=settings.EGRESS["CA_BUNDLE"],
            seconds=settings.TELLING["WEBHOOK_SECONDS"],
        )


def _signing(webhook: Webhook) -> list[str]:
    """Return which secrets sign now: while a new one is being brought to the receiver, the old one too."""
    if webhook.shape != WebhookShape.SIGNED:
        return []
    until = webhook.previous_until
    is_both = bool(webhook.previous_secret) and until is not None and until > database_now()
    return ["secret", "previous_secret"] if is_both else ["secret"]


def _headers(delivery: Delivery, moment: str, keys: list[str]) -> dict[str, str]:
    signatures = [f"v1={sign(key, moment, delivery.body)}" for key in keys]
    return {
        "Elementdesk-Id": str(delivery.event_id),
        "Elementdesk-Kind": delivery.kind,
        "Elementdesk-Timestamp": moment,
        "Elementdesk-Signature": ",".join(signatures),
    }


def sign(key: str, moment: str, body: str) -> str:
    """Return HMAC-SHA256, in hex, of the time stamp (seconds since 1970), a dot and the body."""
    return hmac.new(key.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()


def _finish(delivery: Delivery, state: DeliveryState) -> None:
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING)
    mine.update(state=state, tries=F("tries") + 1, finished_at=Now())


def _try_later(delivery: Delivery) -> None:
    """Send again after a pause that grows; after the last one give up, and perhaps the webhook too."""
    pauses = settings.TELLING["PAUSES"]
    if delivery.tries < len(pauses):
        Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING).update(
            tries=F("tries") + 1, due_at=Now() + timedelta(seconds=pauses[delivery.tries])
        )
        return
    _finish(delivery, DeliveryState.GIVEN_UP)
    # Nothing at all was taken for as long as this one was tried.
    since = delivery.log.order_by("pk").values_list("at", flat=True)[0]
    failing = Webhook.objects.filter(pk=delivery.webhook_id, failing_since__lte=since)
    if failing.filter(is_active=True).update(is_active=False):
        _tell(delivery.webhook)


def _tell(webhook: Webhook) -> None:
    """Drop what waits for it, and write down that its organization's admins are to be told."""
    waiting = Delivery.objects.filter(webhook=webhook, state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.DROPPED, finished_at=Now())
    logger.warning("webhook switched off", webhook=str(webhook.pk))
    Notice.objects.note(
        Notice(
            key=key_of("webhook", webhook.pk, database_now().isoformat()),
            kind=NoticeKind.WEBHOOK_OFF,
            about="webhook",
            name=webhook.name,
            organization_id=webhook.organization_id,
        )
    )
