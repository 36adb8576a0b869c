"""Tell each person of what happened: one row for each, once, by what they chose."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from instances import audience, messages
from instances.models import (
    Delivery,
    MailChoice,
    MailState,
    Notice,
    Notification,
    Preference,
    Webhook,
    database_now,
    preferences_of,
)

AT_ONCE = 200


def run() -> None:
    """Spread what was written down since; what one sweep does not reach, the next one does."""
    for pk in list(Notice.objects.unspread().values_list("pk", flat=True)[:AT_ONCE]):
        spread(pk)


def spread(pk: UUID) -> None:
    """Write a row for everybody who is told of one notice; a second time changes nothing."""
    with transaction.atomic():
        if not Notice.objects.unspread().filter(pk=pk).update(spread_at=Now()):
            return
        together = ("organization", "instance", "operation", "finding", "share")
        notice = Notice.objects.select_related(*together).get(pk=pk)
        people = dict(audience.of(notice).values_list("pk", "email"))
        chosen = preferences_of(people, [notice.kind])
        rows = [_row(notice, chosen[user, notice.kind], people[user]) for user in people]
        wanted = [row for row in rows if row.is_in_app or row.mail != MailState.NONE]
        Notification.objects.bulk_create(wanted, ignore_conflicts=True)
        _address(notice)


def _address(notice: Notice) -> None:
    """Write a message for each webhook of the organization that wants to be told."""
    hooks = Webhook.objects.filter(organization=notice.organization_id, is_active=True)
    rows = [
        Delivery(
            webhook=hook,
            notice=notice,
            event_id=notice.pk,
            kind=notice.kind,
            body=messages.body_of(hook, notice),
        )
        for hook in hooks.select_related("organization")
        if messages.wants(hook, notice)
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _row(notice: Notice, preference: Preference, email: str) -> Notification:
    row = Notification(notice=notice, user_id=preference.user_id, is_in_app=preference.is_in_app)
    if not (email and settings.TELLING["SENDS_MAIL"]):
        return row
    now = database_now()
    if preference.mail == MailChoice.NOW:
        row.mail, row.mail_due_at = MailState.NOW, now
    elif preference.mail == MailChoice.DAILY:
        row.mail, row.mail_due_at = MailState.DAILY, next_digest(now)
    return row


def next_digest(now: datetime) -> datetime:
    """Return when the next daily digest goes out: the same moment for all that is in it."""
    hour: int = settings.TELLING["DIGEST_HOUR"]
    today = now.replace(hour=hour % 24, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def forget() -> None:
    """Delete what is old enough, some at a time."""
    old = Notice.objects.filter(at__lt=Now() - timedelta(days=settings.TELLING["DAYS"]))
    keys = list(old.values_list("pk", flat=True)[:500])
    if keys:
        Notice.objects.filter(pk__in=keys).delete()
