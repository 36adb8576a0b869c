"""Share an instance with a teammate or a team, and end that."""

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit, tasks
from instances.access import Action
from instances.models import (
    UNWARNED,
    Instance,
    Notice,
    NoticeKind,
    Share,
    ShareLevel,
    Team,
    key_of,
    new_id,
    notice_of_instance,
)


def share_instance(
    *,
    actor: User,
    instance: Instance,
    level: ShareLevel,
    expires_at: datetime | None = None,
    user: User | None = None,
    team: Team | None = None,
) -> Share:
    """
    Share an instance with one person or one team; an earlier share with them is replaced.

    Whoever manages it only through shares cannot give it for longer than those last.

    :raises NotAllowedError: the actor may not manage this instance.
    """
    access.require(actor, Action.MANAGE, instance)
    ends = [end for end in (expires_at, access.manages_until(actor, instance)) if end]
    expires_at = min(ends, default=None)
    with transaction.atomic():
        share, is_new = Share.objects.update_or_create(
            instance=instance,
            user=user,
            team=team,
            defaults={
                "level": level,
                "expires_at": expires_at,
                "granted_by": actor,
                "warned_days": UNWARNED,
            },
        )
        until = expires_at.isoformat() if expires_at else ""
        action = "instance.shared" if is_new else "share.changed"
        audit.record(actor, action, instance, recipient=share.recipient, level=level, until=until)
        _tell(share)
    return share


def _tell(share: Share) -> None:
    """Write down that those it is shared with are to be told, and wake a worker for that."""
    key = key_of("share", share.pk, new_id())
    notice = notice_of_instance(share.instance, NoticeKind.SHARED, key, about="share")
    notice.share = share
    Notice.objects.note(notice)
    transaction.on_commit(partial(tasks.ring_for_telling, share.pk))


def remove_share(*, actor: User, share: Share) -> None:
    """
    End a share at once, and with it what its recipients gave on if they no longer manage it.

    :raises NotAllowedError: the actor may not manage the instance.
    """
    access.require(actor, Action.MANAGE, share.instance)
    with transaction.atomic():
        _end(actor, share)


def _end(actor: User, share: Share) -> None:
    recipients = (
        [share.user] if share.user else list(share.team.members.all() if share.team else [])
    )
    audit.record(
        actor, "share.removed", share.instance, recipient=share.recipient, level=share.level
    )
    share.delete()
    for person in recipients:
        if not access.can(person, Action.MANAGE, share.instance):
            for given in Share.objects.filter(instance=share.instance, granted_by=person):
                _end(actor, given)
