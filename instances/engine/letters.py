"""Mail what people were told of: all that is due for one of them in one letter, at least once."""

from collections.abc import Sequence
from datetime import timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse

from instances import audience
from instances.crash_points import reach
from instances.engine import calls
from instances.models import (
    MailChoice,
    MailState,
    Notification,
    preferences_of,
)
from instances.wording import words

logger = structlog.get_logger(__name__)

# Longer than a server can take that answers each step of a letter just in time.
LEASE = timedelta(minutes=5)
# In one letter; what is more is in the next one.
IN_ONE = 50
PEOPLE_A_SWEEP = 50


def run() -> None:
    """Send every letter that is due, to one person after the other."""
    if not settings.TELLING["SENDS_MAIL"]:
        return
    for state in (MailState.NOW, MailState.DAILY):
        due = Notification.objects.mail_due(state).order_by("user").values_list("user", flat=True)
        for user in list(due.distinct()[:PEOPLE_A_SWEEP]):
            if calls.is_stopping():
                return
            _send(Notification.objects.claim_mail(state, user, lease=LEASE, most=IN_ONE), state)


def _send(rows: Sequence[Notification], state: MailState) -> None:
    heard = [row for row in rows if _is_heard(row)]
    silent = {row.pk for row in rows} - {row.pk for row in heard}
    Notification.objects.filter(pk__in=silent).update(mail=MailState.DROPPED)
    if not heard:
        return
    told = Notification.objects.filter(pk__in=[row.pk for row in heard])
    try:
        letter = write(heard[0].user, heard, is_digest=state == MailState.DAILY)
        with calls.one(False):
            letter.send()
    except (SMTPException, OSError, ValueError) as error:
        _try_later(heard, type(error).__name__)
    else:
        reach("mail sent")
        told.update(mail=MailState.SENT, mailed_at=Now(), mail_problem="")


def _is_heard(row: Notification) -> bool:
    """Tell whether the person may still hear of it, and still wants a mail."""
    chosen = preferences_of([row.user_id], [row.notice.kind])
    is_wanted = chosen[row.user_id, row.notice.kind].mail != MailChoice.OFF
    return bool(row.user.email) and is_wanted and audience.hears(row.user, row.notice)


def _try_later(rows: Sequence[Notification], problem: str) -> None:
    """Send all of it again after a pause that grows; give up after the last one, which the rows then show."""
    pauses, tries = settings.TELLING["PAUSES"], rows[0].mail_tries
    logger.warning("mail not sent", reason=problem, notifications=len(rows))
    mine = Notification.objects.filter(pk__in=[row.pk for row in rows])
    if tries >= len(pauses):
        mine.update(mail=MailState.GIVEN_UP, mail_problem=problem[:60])
        return
    mine.update(
        mail_tries=F("mail_tries") + 1,
        mail_due_at=Now() + timedelta(seconds=pauses[tries]),
        mail_problem=problem[:60],
    )


def write(user: User, rows: Sequence[Notification], *, is_digest: bool) -> EmailMultiAlternatives:
    """Return the letter about these, in plain text and as HTML; its id is the same each time."""
    told = [words(row.notice) for row in rows]
    address = settings.OAUTH["ADDRESS"].rstrip("/")
    context = {
        "told": told,
        "is_digest": is_digest,
        "preferences": f"{address}{reverse('instances:preferences')}" if address else "",
    }
    subject = f"{told[0].label}: {told[0].name}" if len(told) == 1 else f"{len(told)} notifications"
    if is_digest:
        subject = f"Daily digest: {subject[0].lower()}{subject[1:]}"
    letter = EmailMultiAlternatives(
        f"[Elementdesk] {subject}",
        render_to_string("mail/letter.txt", context),
        to=[user.email],
        headers={
            "Message-ID": f"<{rows[0].mail_letter}@{urlsplit(address).hostname or 'elementdesk.invalid'}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(render_to_string("mail/letter.html", context), "text/html")
    return letter
