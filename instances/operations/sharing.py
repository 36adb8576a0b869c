"""Share an instance with a teammate or a team, and end that."""

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from instances import access, audit, tasks
from instances.access import Action
from instances.models import (
    UNWARNED,
    Instance,
    Membership,
    Notice,
    NoticeKind,
    Share,
    ShareLevel,
    Team,
    key_of,
    new_id,
    notice_of_instance,
)
from instances.operations.grounds import resting


class ForeignTeamError(Exception):
    """Who is in the team is decided in another organization than the instance's."""


class NotTheirShareError(Exception):
    """Somebody else gave it, and the actor manages the instance by a share only."""


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

    Whoever manages it only through shares cannot give it for longer than those last, nor replace
    what others gave. If a share becomes less, so does what was given on because of it.

    :raises NotAllowedError: the actor may not manage this instance.
    :raises ForeignTeamError: the team is another organization's.
    :raises NotTheirShareError: the actor manages by a share, and another gave the earlier one.
    """
    access.require(actor, Action.MANAGE, instance)
    if team is not None and team.organization_id not in (None, instance.organization_id):
        raise ForeignTeamError
    with transaction.atomic(), resting(actor, [instance.pk]):
        _hold(actor, instance)
        _refuse_what_others_gave(
            actor, Share.objects.filter(instance=instance, user=user, team=team)
        )
        ends = [end for end in (expires_at, access.manages_until(actor, instance)) if end]
        expires_at = min(ends, default=None)
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


def _hold(actor: User, instance: Instance) -> None:
    """Keep what lets the actor share from being taken before this is written; else refuse."""
    held = [
        Membership.objects.filter(user=actor, organization=instance.organization_id),
        Share.objects.filter(instance=instance),
        Team.members.through.objects.filter(user=actor),
    ]
    for rows in held:
        list(rows.select_for_update().order_by("pk"))
    access.require(actor, Action.MANAGE, instance)


def _refuse_what_others_gave(actor: User, earlier: QuerySet[Share]) -> None:
    given = earlier.select_related("instance").first()
    if given is None or given.granted_by_id == actor.pk:
        return
    if actor.pk not in access.managers_by_role([given.instance])[given.instance_id]:
        raise NotTheirShareError


def remove_share(*, actor: User, share: Share) -> None:
    """
    End a share at once, and with it what its recipients gave on if they no longer manage it.

    :raises NotAllowedError: the actor may not manage the instance.
    """
    access.require(actor, Action.MANAGE, share.instance)
    with transaction.atomic(), resting(actor, [share.instance_id]):
        audit.record(
            actor, "share.removed", share.instance, recipient=share.recipient, level=share.level
        )
        share.delete()
