"""Where an organization's notices go besides its people: addresses, what was sent there, and each try."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from instances.models.identity import new_id
from instances.models.notice import Notice, NoticeKind
from instances.models.organization import Organization

# What a webhook may be told of.
HOOKED = tuple(kind for kind in NoticeKind if kind != NoticeKind.WEBHOOK_OFF)


class WebhookShape(models.TextChoices):
    """What is sent."""

    SIGNED = "signed", "Signed JSON"
    SLACK = "slack", "Slack message"


class DeliveryState(models.TextChoices):
    """What became of one message."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Delivered"
    GIVEN_UP = "given_up", "Given up"
    DROPPED = "dropped", "Not sent: switched off"


def every_kind() -> list[str]:
    """Return what a new webhook is told of."""
    return [kind.value for kind in HOOKED]


class Webhook(models.Model):
    """One address that is told what happens in an organization."""

    sealed_fields: ClassVar = ("url", "secret", "previous_secret")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhooks"
    )
    name = models.CharField(max_length=100)
    shape = models.CharField(max_length=6, choices=WebhookShape.choices)
    # Whoever knows a whole address may post there: pages show only what gives nothing away.
    shown_url = models.CharField("address", max_length=300)
    url = models.TextField(editable=False)
    secret = models.TextField(blank=True, default="", editable=False)
    # Until then both sign, so that a receiver can change over.
    previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True)
    kinds = models.JSONField(default=every_kind)
    is_active = models.BooleanField(default=True)
    # Since when nothing was delivered; then it was switched off by itself if it is not active.
    failing_since = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="webhook_once_per_name",
                violation_error_message="This organization has a webhook of that name.",
            ),
            models.CheckConstraint(
                condition=Q(shape__in=WebhookShape.values), name="webhook_shape_is_known"
            ),
            models.CheckConstraint(
                condition=Q(url__startswith="ce1.")
                & (Q(previous_secret="") | Q(previous_secret__startswith="ce1.")),
                name="webhook_is_sealed",
            ),
            # What is signed has something to sign with; Slack's address is the secret itself.
            models.CheckConstraint(
                condition=Q(shape=WebhookShape.SIGNED, secret__startswith="ce1.")
                | Q(shape=WebhookShape.SLACK, secret=""),
                name="webhook_signed_has_a_secret",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("instances:webhook", args=[self.pk])

    @property
    def sealing_context(self) -> str:
        """What the sealed values are bound to besides their row."""
        return str(self.organization_id)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Questions asked of deliveries."""

    def due(self) -> "DeliveryQuerySet":
        """Those that are to be sent now, oldest first."""
        return self.filter(state=DeliveryState.WAITING, due_at__lte=Now()).order_by("pk")

    def claim(self, webhook: Webhook, lease: timedelta) -> "Delivery | None":
        """Take the oldest that is due; nobody else gets it for a lease."""
        mine = self.due().filter(webhook=webhook)
        for pk in mine.values_list("pk", flat=True)[:5]:
            if self.due().filter(pk=pk).order_by().update(due_at=Now() + lease):
                return self.select_related("webhook__organization").get(pk=pk)
        return None


class Delivery(models.Model):
    """One message for one webhook: the same text at every try."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    # Empty for a test.
    notice = models.ForeignKey(
        Notice, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    # What the receiver tells two messages apart by, and the body as it is sent.
    event_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    body = models.TextField()
    state = models.CharField(
        max_length=8, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_by_webhook"),
            models.Index(
                fields=["due_at"],
                condition=Q(state=DeliveryState.WAITING),
                name="delivery_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "notice"], name="delivery_once_per_notice"),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.webhook}"

    @property
    def last_try(self) -> "DeliveryTry | None":
        """The newest try (prefetch `log`, oldest first)."""
        tries = list(self.log.all())
        return tries[-1] if tries else None

    @property
    def kind_label(self) -> str:
        """The kind in the words of pages."""
        return NoticeKind(self.kind).label if self.kind in NoticeKind else "Test"


class DeliveryTry(models.Model):
    """One try: when, how long it took, and what the receiver said, cut."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(db_default=Now())
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    # A fixed word for how it failed, empty if it did not.
    problem = models.CharField(max_length=40, blank=True, default="")
    # The beginning of what was answered, without our address and secrets.
    answer = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.at} {self.http_status or self.problem}"
