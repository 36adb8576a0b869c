"""Write down, some days before, that a share is about to end."""

from django.db import transaction

from instances.models import (
    WARNING_DAYS,
    Notice,
    NoticeKind,
    Share,
    key_of,
    notice_of_instance,
)

# So many in one sweep; the next one goes on.
AT_ONCE = 200


def warn() -> None:
    """Note each share that ends soon, once for each of the days; the nearest alone where both are due."""
    for days in sorted(WARNING_DAYS):
        rows = Share.objects.ending_within(days).select_related("instance")
        for share in rows.order_by("expires_at")[:AT_ONCE]:
            _warn(share, days)


def _warn(share: Share, days: int) -> None:
    with transaction.atomic():
        # It may have been prolonged, or another worker been quicker.
        if Share.objects.ending_within(days).filter(pk=share.pk).update(warned_days=days):
            until = share.expires_at.isoformat() if share.expires_at else ""
            key = key_of("ending", share.pk, until, days)
            kind = NoticeKind.SHARE_EXPIRING
            notice = notice_of_instance(share.instance, kind, key, about="share")
            notice.share = share
            Notice.objects.note(notice)
