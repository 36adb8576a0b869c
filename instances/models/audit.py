"""Who did what, when, to which object, and how it ended."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class AuditResult(models.TextChoices):
    """How an action ended."""

    DONE = "done", "Done"
    REFUSED = "refused", "Refused"


class AuditEntry(models.Model):
    """One line of the record; it names its object in words, so that it outlives the object."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The person's user name, or the process that acted by itself.
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    object_name = models.CharField(max_length=255)
    result = models.CharField(max_length=8, choices=AuditResult.choices, default=AuditResult.DONE)
    # Plain facts such as a level or the names of changed fields; never a value of a secret.
    detail = models.JSONField(default=dict)
    request_id = models.CharField(max_length=36, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["object_id", "-id"], name="audit_by_object")]
        constraints = [
            models.CheckConstraint(
                condition=Q(result__in=AuditResult.values), name="audit_result_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.object_name}"
