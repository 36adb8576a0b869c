"""Steps that tests of telling people share."""

from django.contrib.auth.models import User

from instances.models import Instance, Notice, NoticeKind, Notification, notice_of_instance


def noted() -> list[tuple[str, str]]:
    """Return kind and subject of everything that was written down, oldest first."""
    return list(Notice.objects.order_by("pk").values_list("kind", "about"))


def note(instance: Instance, kind: NoticeKind, key: str = "", about: str = "health") -> Notice:
    """Write down that something happened to an instance."""
    notice = notice_of_instance(instance, kind, key or f"test:{kind}", about=about)
    Notice.objects.note(notice)
    return notice


def told(user: User) -> list[str]:
    """Return the kinds of what somebody was told, oldest first."""
    mine = Notification.objects.filter(user=user).order_by("pk")
    return list(mine.values_list("notice__kind", flat=True))
