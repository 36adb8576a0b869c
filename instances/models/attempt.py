"""Each request that may create something, and what was seen on the platform because of it."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.operation import Operation
from instances.models.states import OperationKind


class AttemptOutcome(models.TextChoices):
    """How one request ended, as far as is known."""

    IN_FLIGHT = "in_flight", "On its way"
    NOT_SENT = "not_sent", "Not sent"
    THROTTLED = "throttled", "Asked to wait"
    UNKNOWN = "unknown", "Answer lost"
    SUCCEEDED = "succeeded", "Created"
    REJECTED = "rejected", "Refused"
    PROVEN_ABSENT = "proven_absent", "Proven not done"
    DECLARED_ABSENT = "declared_absent", "Declared not done"
    SUPERSEDED = "superseded", "Not known, sent again"


# Method and path of the request, where it is about an instance that exists.
LINES = {
    OperationKind.DELETE: "DELETE /instances/{}",
    OperationKind.EDIT: "PATCH /instances/{}",
    OperationKind.REAUTHENTICATE: "PATCH /instances/{}",
    OperationKind.DISABLE: "DELETE /instances/{}/enabled",
    OperationKind.ENABLE: "PUT /instances/{}/enabled",
}
UNRESOLVED = (AttemptOutcome.IN_FLIGHT, AttemptOutcome.UNKNOWN)


class Attempt(models.Model):
    """One request that may create something, recorded before its first byte."""

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    epoch = models.PositiveIntegerField()
    origin = models.CharField(max_length=300)
    address = models.CharField(max_length=45, blank=True, default="")
    secrets_version = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=15, choices=AttemptOutcome.choices, default=AttemptOutcome.IN_FLIGHT
    )
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_class = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    request_id = models.CharField("request ID", max_length=60, blank=True, default="")
    worker = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=AttemptOutcome.values), name="attempt_outcome_is_known"
            ),
            models.UniqueConstraint(fields=["operation", "number"], name="attempt_numbered_once"),
            models.CheckConstraint(condition=Q(number__lte=500), name="attempt_number_is_sane"),
            # Nobody can start a second request while an earlier one was, or may have been, executed.
            models.UniqueConstraint(
                fields=["operation"],
                condition=Q(outcome__in=[*UNRESOLVED, AttemptOutcome.SUCCEEDED]),
                name="attempt_one_unresolved_per_operation",
            ),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number}: {self.get_outcome_display()}"

    @property
    def request_line(self) -> str:
        """Method and path of the request."""
        operation = self.operation
        line = LINES.get(OperationKind(operation.kind), "POST /instances")
        return line.format(operation.remote_id)

    @property
    def outcome_label(self) -> str:
        """How it ended, in the words of what it does."""
        is_made = self.outcome == AttemptOutcome.SUCCEEDED
        is_creation = self.operation.kind in (OperationKind.CREATE, OperationKind.ADOPT)
        return "Done" if is_made and not is_creation else AttemptOutcome(self.outcome).label

    @property
    def duration(self) -> timedelta | None:
        """Time from the intent to the end, if it ended."""
        return self.ended_at - self.started_at if self.ended_at else None


class EvidenceKind(models.TextChoices):
    """Where an instance of ours was seen on the platform."""

    ANSWER = "answer", "Answer to the request"
    LISTING = "listing", "Found by its tag"


class Evidence(models.Model):
    """Something seen on the platform; written whoever holds the lease, never changed."""

    sealed_fields: ClassVar = ("token",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=8, choices=EvidenceKind.choices)
    remote_id = models.BigIntegerField()
    token = models.TextField(editable=False)
    seen_at = models.DateTimeField(db_default=Now())
    worker = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=EvidenceKind.values), name="evidence_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(token__startswith="ce1."), name="evidence_token_is_sealed"
            ),
            models.UniqueConstraint(
                fields=["attempt", "kind", "remote_id"], name="evidence_recorded_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.remote_id}"

    @property
    def sealing_context(self) -> str:
        """What the sealed token is bound to besides its row."""
        return str(self.remote_id)
