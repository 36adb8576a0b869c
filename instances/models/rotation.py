"""The rotation of an instance: its twin, how far the exchange is, and what holds it up."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.operation import Operation
from instances.models.organization import Organization


class RotationState(models.TextChoices):
    """How far it is: the row leaves each only by what other rows prove."""

    CREATING = "creating", "The new one is being created"
    PROVING = "proving", "The new one is being tested"
    BOTH = "both", "Both work"
    LEAVING = "leaving", "The old one is leaving"
    DONE = "done", "Rotated"
    ENDED = "ended", "Ended: the old one stays"


R = RotationState
OVER = (R.DONE, R.ENDED)


class RotationQuerySet(models.QuerySet["Rotation"]):
    """Questions asked of rotations."""

    def open(self) -> "RotationQuerySet":
        """Those that are not at their end."""
        return self.exclude(state__in=OVER)

    def halted(self) -> "RotationQuerySet":
        """Those that something holds up, which their `problem` names."""
        return self.open().exclude(problem="")

    def of(self, instance: Instance) -> "RotationQuerySet":
        """Those in which the instance is the old one or the new one."""
        return self.filter(Q(old=instance) | Q(new=instance))


class Rotation(models.Model):
    """One instance that takes the place of another, both in use for a while."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    old = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="rotations")
    new = models.OneToOneField(Instance, on_delete=models.PROTECT, related_name="rotation")
    # As the instances' own: for what is looked at next, and for lists.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # In whose name the next step is taken: who asked, or who decided last.
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=8, choices=R.choices, default=R.CREATING)
    since = models.DateTimeField(db_default=Now())
    # How long both work, and until when, which is known once the new one is proven.
    days = models.FloatField()
    both_until = models.DateTimeField(null=True, blank=True)
    # Somebody said that everybody has moved: calls of the old one hold nothing up.
    is_hurried = models.BooleanField(default=False)
    # Somebody has tried the new one, which offers nothing that could be asked here.
    is_vouched = models.BooleanField(default=False)
    # When the platform's usage of the old one was asked for last.
    usage_asked_at = models.DateTimeField(null=True, blank=True)
    # What disables or deletes the old one; later operations of it are newer.
    removal = models.ForeignKey(
        Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # A short fixed word for what holds it up, and the same in a sentence.
    problem = models.CharField(max_length=40, blank=True, default="")
    message = models.CharField(max_length=600, blank=True, default="")
    look_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RotationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["look_at"], condition=~Q(state__in=OVER), name="rotation_due"),
            models.Index(
                fields=["organization", "-id"],
                condition=~Q(state__in=OVER) & ~Q(problem=""),
                name="rotation_halted",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=R.values), name="rotation_state_is_known"),
            models.CheckConstraint(condition=Q(days__gte=0), name="rotation_days_are_ahead"),
            models.CheckConstraint(condition=~Q(old=F("new")), name="rotation_is_of_two"),
            models.CheckConstraint(
                condition=~Q(state__in=[R.BOTH, R.LEAVING]) | Q(both_until__isnull=False),
                name="rotation_says_until_when",
            ),
            models.CheckConstraint(
                condition=~Q(state=R.LEAVING) | Q(removal__isnull=False),
                name="rotation_leaving_names_the_removal",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OVER, finished_at__isnull=False)
                | ~Q(state__in=OVER) & Q(finished_at__isnull=True),
                name="rotation_over_says_when",
            ),
            models.UniqueConstraint(
                fields=["old"],
                condition=~Q(state__in=OVER),
                name="rotation_one_at_a_time",
                violation_error_message="This instance is being rotated already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old} by {self.new}"

    @property
    def is_over(self) -> bool:
        return self.state in OVER
