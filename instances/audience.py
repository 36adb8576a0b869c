"""Who is told of a notice: asked when it is spread, and again whenever something is sent or shown."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from instances import access
from instances.access import Action
from instances.models import Notice, NoticeKind, Share, Team


def of(notice: Notice) -> QuerySet[User]:
    """
    Return who has the right to hear of `notice` and something to do with it, as things stand now.

    Of an instance: who owns it, asked for it or has it shared; its organization's admins too, except
    of what went well from the start. Of a share: who has it, and as it ends also who gave it. Of what
    concerns an organization, or was found in it: its admins.
    """
    admins = access.people_administering(notice.organization_id)
    if notice.instance is None:
        return admins
    seeing = access.people_seeing(notice.instance)
    if notice.about == "share":
        return seeing.filter(_with_share(notice))
    shares = Share.objects.current().filter(instance=notice.instance)
    concerned = Q(pk=notice.instance.owner_id) | _recipients(shares)
    if notice.operation is not None:
        concerned |= Q(pk=notice.operation.requester_id)
    if notice.kind != NoticeKind.CREATED:
        concerned |= Q(pk__in=admins.values("pk"))
    return seeing.filter(concerned)


def _with_share(notice: Notice) -> Q:
    if notice.share is None:
        # It was removed: there is nobody to tell.
        return Q(pk__in=[])
    told = _recipients(Share.objects.current().filter(pk=notice.share.pk))
    if notice.kind != NoticeKind.SHARE_EXPIRING:
        return told
    return told | Q(pk=notice.share.granted_by_id)


def _recipients(shares: QuerySet[Share]) -> Q:
    alone = shares.filter(user__isnull=False).values("user")
    together = Team.members.through.objects.filter(team__in=shares.values("team")).values("user")
    return Q(pk__in=alone) | Q(pk__in=together)


def hears(user: User, notice: Notice) -> bool:
    """Tell whether `user` is one of those who are told of `notice`, as things stand now."""
    return of(notice).filter(pk=user.pk).exists()


def shown_among(user: User, notices: Sequence[Notice]) -> set[UUID]:
    """Return which of `notices` may be shown to `user`, who was told of them once; three queries."""
    instances = [one.instance_id for one in notices if one.instance_id]
    seen = set(access.visible_to(user).filter(pk__in=instances).values_list("pk", flat=True))
    findings = [one.finding_id for one in notices if one.finding_id]
    decided = access.findings_for(user).filter(pk__in=findings)
    seen |= set(decided.values_list("pk", flat=True))
    others = [one.organization_id for one in notices if _is_of_organization(one)]
    held = access.organizations_for(user, Action.ADMINISTER).filter(pk__in=others)
    seen |= set(held.values_list("pk", flat=True))
    about = {one.pk: one.instance_id or one.finding_id or one.organization_id for one in notices}
    return {pk for pk, row in about.items() if row in seen}


def _is_of_organization(notice: Notice) -> bool:
    return notice.instance_id is None and notice.finding_id is None
