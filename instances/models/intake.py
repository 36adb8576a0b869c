"""The wish to take in all that is only on the platform, and how far it is."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from instances.models.identity import new_id
from instances.models.listing import ListedInstance, Standing
from instances.models.operation import Operation
from instances.models.organization import Organization
from instances.models.states import CLAIMABLE, OperationKind, OperationState

# Waiting for a worker, or for the organization's secrets.
UNDER_WAY = (*CLAIMABLE, OperationState.BLOCKED)


class Intake(models.Model):
    """The wish that everything which is only there be adopted, carried out in parts."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="intakes")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # The newest line when it was asked for, and the last one that was taken: lines go by their ids.
    until = models.UUIDField()
    after = models.UUIDField(null=True, blank=True)
    # How many there were then, and how many were asked for so far.
    total = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    # Empty while there is more to take.
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why it ended before all were taken, in words for people.
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["organization", "-id"], name="intake_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(ended_at__isnull=True),
                name="intake_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Adoption of {self.total} instances"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

    def left(self, done: int) -> timedelta | None:
        """Return the time left at the pace so far, `done` of all being here; None if that cannot be told."""
        if not self.is_running or done <= 0:
            return None
        return (timezone.now() - self.asked_at) * max(0.0, self.total / done - 1)

    def lines(self) -> models.QuerySet[ListedInstance]:
        """Return what is still to be taken, in order."""
        rows = only_there(self.organization).filter(pk__lte=self.until).order_by("pk")
        return rows if self.after is None else rows.filter(pk__gt=self.after)


def only_there(organization: Organization) -> models.QuerySet[ListedInstance]:
    """Return the lines that can be adopted."""
    return ListedInstance.objects.filter(
        organization=organization, standing=Standing.ONLY_THERE, instance=None
    )


def adoptions_under_way(organization: Organization) -> models.QuerySet[Operation]:
    """Return the adoptions that a worker has not ended, and nobody has to decide about."""
    return Operation.objects.filter(
        organization=organization, state__in=UNDER_WAY, kind=OperationKind.ADOPT
    )
