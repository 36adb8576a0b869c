"""Steps that tests of telling people share."""

from django.contrib.auth.models import User

from instances import vault
from instances.engine import hooks, spreading
from instances.models import (
    Delivery,
    DeliveryState,
    Instance,
    Notice,
    NoticeKind,
    Notification,
    Organization,
    Webhook,
    WebhookShape,
    database_now,
    new_id,
    notice_of_instance,
)


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


def add_webhook(organization: Organization) -> Webhook:
    """Write a webhook that signs, and that nothing is sent to by a test."""
    made = Webhook(
        organization=organization,
        name="On call",
        shape=WebhookShape.SIGNED,
        shown_url="https://hooks.example.com/in",
    )
    for name in ("url", "secret"):
        setattr(made, name, vault.seal(made, name, "https://hooks.example.com/in"))
    made.save(force_insert=True)
    return made


def add_delivery(webhook: Webhook) -> Delivery:
    """Write a test message for it."""
    return Delivery.objects.create(webhook=webhook, event_id=new_id(), kind="test", body="{}")


def deliver() -> None:
    """Send what is due, as a worker does."""
    spreading.run()
    for webhook in hooks.due():
        hooks.run(webhook)


def try_once() -> None:
    """Let the pause or lease be over, and make one try."""
    spreading.run()
    Delivery.objects.filter(state=DeliveryState.WAITING).update(due_at=database_now())
    for webhook in hooks.due():
        delivery = Delivery.objects.claim(webhook, hooks.LEASE)
        assert delivery is not None
        hooks.deliver(delivery)
