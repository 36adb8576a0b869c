"""What the platform's list says, line by line, and how that differs from what is known here."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.operation import Operation
from instances.models.organization import Organization


class Standing(models.TextChoices):
    """How a line of the platform's list stands to what is known here."""

    MATCHES = "matches", "As here"
    CHANGED = "changed", "Changed"
    ONLY_THERE = "only_there", "Only there"
    # Requests of ours are found out about by their tag, not by comparing.
    TAGGED = "tagged", "With our tag"
    IGNORED = "ignored", "Ignored until it changes"
    PUSHED = "pushed", "Being made as here"


# That it signs in with something else there: no edit changes that, only theirs can be accepted.
SIGN_IN = "sign-in"

# What is written of a line once it is as here.
AS_HERE: dict[str, object] = {
    "standing": Standing.MATCHES,
    "differences": [],
    "entries": {},
    "differs_since": None,
    "pushed_by": None,
}


class ListedInstance(models.Model):
    """One instance as the platform's list showed it last; no secret, and no token."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="listed")
    remote_id = models.BigIntegerField("instance ID")
    name = models.CharField(max_length=255, blank=True, default="")
    element_key = models.CharField(max_length=100, blank=True, default="")
    tags = models.JSONField(default=list)
    is_valid = models.BooleanField(null=True, blank=True)
    is_disabled = models.BooleanField(null=True, blank=True)
    has_events = models.BooleanField("events enabled", null=True, blank=True)
    remote_created_at = models.DateTimeField(null=True, blank=True)
    # SHA-256 of all the above, in hex: whether the line changed since it was seen last.
    digest = models.CharField(max_length=64)

    # The row here of the same account and number, if there is one.
    instance = models.ForeignKey(
        Instance, on_delete=models.SET_NULL, null=True, blank=True, related_name="listed"
    )
    standing = models.CharField(max_length=10, choices=Standing.choices)
    # Names of what differs, of "name", "tags", "disabled", "events", "configuration", "sign-in".
    differences = models.JSONField(default=list)
    # Entries of the configuration that differ, as they are there; no secret, and no mask.
    entries = models.JSONField(default=dict)
    # The comparison that first showed it as different, and the last one before that showed it as here.
    differs_since = models.DateTimeField(null=True, blank=True)
    matched_at = models.DateTimeField(null=True, blank=True)
    # What it looked like when somebody chose to ignore it.
    ignored_digest = models.CharField(max_length=64, blank=True, default="")
    # The change that makes it as it is here; what differs stays written down until that is proven.
    pushed_by = models.ForeignKey(
        Operation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "standing", "-id"],
                condition=~Q(standing__in=[Standing.MATCHES, Standing.TAGGED]),
                name="listed_that_differs",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "remote_id"], name="listed_once_per_organization"
            ),
            models.CheckConstraint(
                condition=Q(standing__in=Standing.values), name="listed_standing_is_known"
            ),
            models.CheckConstraint(condition=Q(remote_id__gt=0), name="listed_names_an_instance"),
            models.CheckConstraint(
                condition=~Q(standing=Standing.IGNORED) | ~Q(ignored_digest=""),
                name="listed_ignored_knows_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'Instance'} ({self.remote_id})"


class Synchronization(models.Model):
    """The last comparison of an organization's instances with the platform's list."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="synchronization"
    )
    began_at = models.DateTimeField()
    # Empty while it runs; when it ended, well or not.
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why it ended before the list did; nothing is concluded then from what was not listed.
    problem = models.CharField(max_length=300, blank=True, default="")
    # When an admin asked that it end before that.
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    # As many as the last whole list had, if there was one.
    expected = models.PositiveIntegerField(null=True, blank=True)
    # When a list was last compared as a whole.
    completed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Synchronization of {self.organization_id}"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

    @property
    def left(self) -> timedelta | None:
        """Time left at the pace so far, None when that cannot be told."""
        if not self.is_running or not self.listed or not self.expected:
            return None
        spent = timezone.now() - self.began_at
        return max(timedelta(), spent * (max(self.expected, self.listed) / self.listed - 1))
