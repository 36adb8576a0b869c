"""Who did what, when, to which object, and how it ended; and what shows that this was not changed."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class AuditResult(models.TextChoices):
    """How an action ended."""

    DONE = "done", "Done"
    REFUSED = "refused", "Refused"


# Actions that put a token before somebody's eyes.
REVEALS = ("token.revealed", "token.copied")


class AuditEntry(models.Model):
    """One line of the record; it names its object in words, so that it outlives the object."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The person's user name, or the process that acted by itself.
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    object_name = models.CharField(max_length=255)
    # To whose record it belongs besides the installation's; no key, since it outlives the organization.
    organization_id = models.UUIDField("organization", null=True, blank=True)
    result = models.CharField(max_length=8, choices=AuditResult.choices, default=AuditResult.DONE)
    # Plain facts such as a level or the names of changed fields; never a value of a secret.
    detail = models.JSONField(default=dict)
    # What the actor was allowed in that moment, in words; empty where no person asked.
    # The database knows the default too: code of before writes entries while an upgrade is under way.
    rights = models.CharField(max_length=60, blank=True, default="", db_default="")
    request_id = models.CharField(max_length=36, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    # Key id, nonce and keyed digest of the above; empty in what was written before there were marks.
    mac = models.CharField(max_length=100, blank=True, default="", editable=False)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["object_id", "-id"], name="audit_by_object"),
            models.Index(fields=["at"], name="audit_by_time"),
            # Few among many: who was handed a token of an organization.
            models.Index(
                fields=["organization_id", "actor"],
                condition=Q(action__in=REVEALS),
                name="audit_of_reveals",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(result__in=AuditResult.values), name="audit_result_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.object_name}"


class AuditSealQuerySet(models.QuerySet["AuditSeal"]):
    """Questions asked of the chain."""

    def newest(self) -> "AuditSeal | None":
        """Return the head of the chain, None before its first seal."""
        return self.order_by("-position").first()


class AuditSeal(models.Model):
    """One link of the chain: a batch of entries, and the link before it (decision 0016)."""

    position = models.PositiveBigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    # When the newest of all entries so far was written.
    until = models.DateTimeField()
    # Ids of its entries as pairs of first and last, and the beginning of each one's digest, in their order.
    entries = models.JSONField(default=list)
    marks = models.TextField(blank=True, default="")
    # The greatest id so far, and ids below it that may still come: first, last, seconds since 1970.
    last_id = models.PositiveBigIntegerField()
    gaps = models.JSONField(default=list)
    # Up to this id entries were written before there were marks.
    legacy_until = models.PositiveBigIntegerField(default=0)
    # Key id, and the keyed digest of all this, of the entries and of the link before.
    mac = models.CharField(max_length=100, default="")

    objects = AuditSealQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Seal {self.position}"


class AuditKey(models.Model):
    """The audit key of a root key that has left the key ring: entries of its time are still verified."""

    sealed_fields: ClassVar = ("secret",)

    key_id = models.CharField(max_length=16, primary_key=True)
    secret = models.TextField(editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(secret__startswith="ce1."), name="audit_key_is_sealed"
            )
        ]

    def __str__(self) -> str:
        return self.key_id

    @property
    def sealing_context(self) -> str:
        """What the sealed key is bound to besides its row: nothing."""
        return ""
