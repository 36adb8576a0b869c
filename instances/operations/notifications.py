"""What a person does about notifications: see them, and choose how to be told."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from instances import audit
from instances.models import MailChoice, NoticeKind, Notification, Preference


def mark_read(*, actor: User, notification: UUID) -> bool:
    """Note that the person has seen one of theirs; False if they have no such one unread."""
    return bool(
        Notification.objects.unread().filter(user=actor, pk=notification).update(read_at=Now())
    )


def mark_all_read(*, actor: User, until: UUID) -> int:
    """Note that the person has seen theirs up to the newest that they were shown; return how many."""
    rows = Notification.objects.unread().filter(user=actor, pk__lte=until)
    return rows.update(read_at=Now())


def choose(*, actor: User, chosen: Mapping[NoticeKind, tuple[bool, MailChoice]]) -> None:
    """Keep how the person wants to be told of each of these kinds: in the bell or not, and by which mail."""
    with transaction.atomic():
        for kind, (is_in_app, mail) in chosen.items():
            Preference.objects.update_or_create(
                user=actor, kind=kind, defaults={"is_in_app": is_in_app, "mail": mail}
            )
        audit.record(actor, "preferences.changed", actor)
