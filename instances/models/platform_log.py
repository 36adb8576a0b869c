"""What the platform wrote down about our instances, kept here for longer than it keeps it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from instances.models.instance import Instance
from instances.models.organization import Organization


class LogKind(models.TextChoices):
    """Which of the platform's two logs."""

    CHANGE = "change", "Audit log"
    CALL = "call", "Usage"


class PlatformEntry(models.Model):
    """One line of the platform's audit log or usage, about one instance."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="platform_entries", db_index=False
    )
    kind = models.CharField(max_length=6, choices=LogKind.choices)
    # The platform's own id of the line: it is kept once, however often it is read.
    key = models.CharField(max_length=60)
    at = models.DateTimeField(db_index=True)
    method = models.CharField(max_length=10, blank=True, default="")
    path = models.CharField(max_length=300, blank=True, default="")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    is_failed = models.BooleanField(default=False)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    # As the platform names them.
    user = models.CharField(max_length=100, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    request_id = models.CharField("request ID", max_length=60, blank=True, default="")

    class Meta:
        verbose_name_plural = "platform entries"
        indexes = [models.Index(fields=["instance", "-at", "-id"], name="platform_entry_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "kind", "key"], name="platform_entry_kept_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=LogKind.values), name="platform_entry_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class LogReading(models.Model):
    """Up to where the audit log of an organization was read, and when it is read again."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="log_reading"
    )
    due_at = models.DateTimeField(db_default=Now())
    # Everything before this moment was read; null: nothing yet.
    read_to = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="log_reading_due")]

    def __str__(self) -> str:
        return str(self.organization)
