"""Share an instance with a teammate or a team, and end that."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from instances import access, audit
from instances.access import Action
from instances.models import Instance, Share, ShareLevel, Team


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

    :raises NotAllowedError: the actor may not manage this instance.
    """
    access.require(actor, Action.MANAGE, instance)
    with transaction.atomic():
        share, is_new = Share.objects.update_or_create(
            instance=instance,
            user=user,
            team=team,
            defaults={"level": level, "expires_at": expires_at, "granted_by": actor},
        )
        until = expires_at.isoformat() if expires_at else ""
        action = "instance.shared" if is_new else "share.changed"
        audit.record(actor, action, instance, recipient=share.recipient, level=level, until=until)
    return share


def remove_share(*, actor: User, share: Share) -> None:
    """
    End a share at once.

    :raises NotAllowedError: the actor may not manage the instance.
    """
    access.require(actor, Action.MANAGE, share.instance)
    with transaction.atomic():
        audit.record(
            actor, "share.removed", share.instance, recipient=share.recipient, level=share.level
        )
        share.delete()
