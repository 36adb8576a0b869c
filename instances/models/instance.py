"""The element instance: what was asked for, and what the platform returned."""

from collections.abc import Iterable
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from instances.models.identity import new_id
from instances.models.organization import Organization


class InstanceStatus(models.TextChoices):
    """What is known of the instance, in the words of the pages."""

    QUEUED = "queued", "Queued"
    BLOCKED = "blocked", "Waiting"
    CREATING = "creating", "Creating"
    UNKNOWN = "unknown", "Outcome unknown"
    NEEDS_PERSON = "needs_person", "Action needed"
    ACTIVE = "active", "Active"
    REJECTED = "rejected", "Rejected"
    CANCELED = "canceled", "Canceled"
    DELETING = "deleting", "Deleting"
    DELETED = "deleted", "Deleted"
    CHANGING = "changing", "Changing"


# What is active and disabled is shown as this.
DISABLED = ("disabled", "Disabled")


class Environment(models.TextChoices):
    """Which of the provider's two systems the credentials belong to."""

    SANDBOX = "sandbox", "Sandbox"
    PRODUCTION = "production", "Production"


BUSY = (
    InstanceStatus.QUEUED,
    InstanceStatus.CREATING,
    InstanceStatus.UNKNOWN,
    InstanceStatus.DELETING,
    InstanceStatus.CHANGING,
)


# What the tag begins with by which a lost answer is found; lists leave it out.
OWN_TAG = "ced-"


class InstanceQuerySet(models.QuerySet["Instance"]):
    """Questions asked of instances."""

    def busy(self) -> "InstanceQuerySet":
        """Those that change by themselves, so that a page showing them polls."""
        return self.filter(status__in=BUSY)

    def shown_as(self, status: str) -> "InstanceQuerySet":
        """Those that pages show in that status."""
        if status not in (DISABLED[0], InstanceStatus.ACTIVE):
            return self.filter(status=status)
        rows = self.filter(status=InstanceStatus.ACTIVE)
        is_disabled = Q(is_disabled=True)
        return rows.filter(is_disabled) if status == DISABLED[0] else rows.exclude(is_disabled)


class Instance(models.Model):
    """One authenticated connection to one provider account."""

    sealed_fields: ClassVar = ("token",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="instances", db_index=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="owned_instances",
        db_index=False,
    )
    name = models.CharField(max_length=255)
    element_key = models.CharField(max_length=100)
    environment = models.CharField(
        max_length=10, choices=Environment.choices, blank=True, default=""
    )
    status = models.CharField(
        max_length=12, choices=InstanceStatus.choices, default=InstanceStatus.QUEUED
    )

    # From here on: the platform's reply, with every secret-looking value masked.
    account = models.CharField(max_length=400, blank=True, default="")
    remote_id = models.BigIntegerField("instance ID", null=True, blank=True)
    token = models.TextField(blank=True, default="", editable=False)
    element = models.JSONField(blank=True, default=dict)
    configuration = models.JSONField(blank=True, default=dict)
    is_valid = models.BooleanField(null=True, blank=True)
    is_disabled = models.BooleanField(null=True, blank=True)
    has_events = models.BooleanField("events enabled", null=True, blank=True)
    has_trace_logging = models.BooleanField("trace logging enabled", null=True, blank=True)
    has_caching = models.BooleanField("caching enabled", null=True, blank=True)
    remote_created_at = models.DateTimeField(null=True, blank=True)
    # Since when a whole list of the platform does not show it any more.
    missing_since = models.DateTimeField(null=True, blank=True)
    # When that list showed it last.
    last_listed_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = InstanceQuerySet.as_manager()

    class Meta:
        # Each ends in the order of the list, so that a page is read along one of them.
        indexes = [
            models.Index(
                fields=["organization", "-id"],
                condition=Q(missing_since__isnull=False),
                name="instance_missing",
            ),
            models.Index(fields=["organization", "-id"], name="instance_by_organization"),
            models.Index(fields=["organization", "status", "-id"], name="instance_by_status"),
            models.Index(
                fields=["organization", "-id"],
                condition=Q(status=InstanceStatus.ACTIVE, is_disabled=True),
                name="instance_disabled",
            ),
            models.Index(fields=["organization", "element_key", "-id"], name="instance_by_element"),
            models.Index(
                fields=["organization", "environment", "-id"], name="instance_by_environment"
            ),
            models.Index(fields=["owner", "-id"], name="instance_by_owner"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=InstanceStatus.values), name="instance_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(environment__in=["", *Environment.values]),
                name="instance_environment_is_known",
            ),
            # A row shown as active can be used and can be deleted on the platform.
            models.CheckConstraint(
                condition=~Q(status__in=[InstanceStatus.ACTIVE, InstanceStatus.CHANGING])
                | (Q(remote_id__isnull=False) & ~Q(token="")),
                name="instance_active_has_remote_id_and_token",
            ),
            models.CheckConstraint(
                condition=Q(remote_id__isnull=True) | Q(remote_id__gt=0) & ~Q(account=""),
                name="instance_remote_id_has_account",
            ),
            models.CheckConstraint(
                condition=Q(token="") | Q(token__startswith="ce1."),
                name="instance_token_is_sealed",
            ),
            models.UniqueConstraint(
                fields=["account", "remote_id"],
                condition=Q(remote_id__isnull=False),
                name="instance_once_per_account",
                violation_error_message="This instance of the platform is already here.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("instances:detail", args=[self.pk])

    @property
    def sealing_context(self) -> str:
        """What the sealed token is bound to besides its row."""
        return str(self.organization_id)

    @property
    def is_busy(self) -> bool:
        """Whether it changes by itself."""
        return self.status in BUSY

    @property
    def is_active(self) -> bool:
        return self.status == InstanceStatus.ACTIVE

    @property
    def is_in_use(self) -> bool:
        """Whether it exists on the platform and its token opens something, whatever is under way."""
        is_leaving = self.status in (InstanceStatus.DELETING, InstanceStatus.DELETED)
        return self.remote_id is not None and bool(self.token) and not is_leaving

    @property
    def shown_status(self) -> str:
        """The status in one word for pages: what is active and disabled is shown as disabled."""
        return DISABLED[0] if self.is_active and self.is_disabled else self.status

    @property
    def shown_label(self) -> str:
        """The words of `shown_status`."""
        is_disabled = self.shown_status == DISABLED[0]
        return DISABLED[1] if is_disabled else InstanceStatus(self.status).label

    @property
    def tag_names(self) -> list[str]:
        """Every tag, in the order asked for or returned (prefetch `tags` for lists)."""
        return [tag.name for tag in sorted(self.tags.all(), key=lambda tag: tag.pk)]

    def replace_tags(self, names: Iterable[str]) -> None:
        """Make `names` the tags of this instance."""
        self.tags.all().delete()
        InstanceTag.objects.bulk_create(
            InstanceTag(instance=self, name=name) for name in dict.fromkeys(names)
        )


class InstanceTag(models.Model):
    """One tag of one instance."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=255)

    class Meta:
        indexes = [models.Index(fields=["name", "-instance"], name="tag_by_name")]
        constraints = [
            models.UniqueConstraint(fields=["instance", "name"], name="tag_once_per_instance")
        ]

    def __str__(self) -> str:
        return self.name
