"""An instance on the platform that carries our tag or name and is not one of our rows."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.operation import Operation
from instances.models.organization import Organization


class FindingKind(models.TextChoices):
    """Why it was noticed."""

    SEVERAL = "several", "One of several with the same tag"
    POSSIBLE = "possible", "Same name, without our tag"
    LATE = "late", "Appeared after its request was settled"
    ORPHAN = "orphan", "Our tag, no request known"


class Verdict(models.TextChoices):
    """What a person decided about it, and what came of that."""

    OPEN = "open", "Not decided"
    ADOPTED = "adopted", "Adopted"
    KEPT = "kept", "Kept beside"
    IGNORED = "ignored", "Ignored"
    NOT_OURS = "not_ours", "Not ours"
    DELETING = "deleting", "Being deleted"
    DELETED = "deleted", "Deleted"
    GONE = "gone", "Not there any more"


class FindingQuerySet(models.QuerySet["Finding"]):
    """Questions asked of findings."""

    def open(self) -> "FindingQuerySet":
        """Those that wait for a person's decision."""
        return self.filter(verdict=Verdict.OPEN)


class Finding(models.Model):
    """Something seen on the platform that nobody has decided about, or somebody has."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="findings"
    )
    # The request it seems to come from, if that is known here.
    operation = models.ForeignKey(
        Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="findings"
    )
    kind = models.CharField(max_length=8, choices=FindingKind.choices)
    account = models.CharField(max_length=400)
    remote_id = models.BigIntegerField("instance ID")
    # As the platform shows them, cleaned.
    tag = models.CharField(max_length=60, blank=True, default="")
    name = models.CharField(max_length=255, blank=True, default="")
    element_key = models.CharField(max_length=100, blank=True, default="")
    is_valid = models.BooleanField(null=True, blank=True)
    remote_created_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()

    verdict = models.CharField(max_length=8, choices=Verdict.choices, default=Verdict.OPEN)
    reason = models.CharField(max_length=300, blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "-id"],
                condition=Q(verdict=Verdict.OPEN),
                name="finding_open_by_organization",
            ),
            models.Index(fields=["-id"], condition=Q(verdict=Verdict.OPEN), name="finding_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=FindingKind.values), name="finding_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="finding_verdict_is_known"
            ),
            models.CheckConstraint(condition=Q(remote_id__gt=0), name="finding_names_an_instance"),
            models.UniqueConstraint(
                fields=["account", "remote_id"], name="finding_once_per_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'Instance'} ({self.remote_id})"

    def get_absolute_url(self) -> str:
        return reverse("instances:finding", args=[self.pk])

    @property
    def about(self) -> Instance | None:
        """The instance whose request it seems to come from."""
        return self.operation.instance if self.operation else None

    @property
    def is_open(self) -> bool:
        return self.verdict == Verdict.OPEN
