"""A wish, where it stands, and the sealed credentials that it needs until it is final."""

import base64
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.organization import Organization
from instances.models.queue import OperationQuerySet
from instances.models.states import (
    CHANGES,
    CLAIMABLE,
    DOING,
    FINAL,
    CancelWish,
    OperationKind,
    OperationState,
)

if TYPE_CHECKING:
    from instances.models.finding import Finding

S = OperationState


class Operation(models.Model):
    """One wish of one person, carried out at most once in effect."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20, choices=OperationKind.choices)
    # Empty for the deletion of something that is not an instance of ours.
    instance = models.ForeignKey(
        Instance, on_delete=models.PROTECT, null=True, blank=True, related_name="operations"
    )
    # What a deletion or an adoption is about, where it was found on the platform.
    finding = models.ForeignKey(
        "instances.Finding",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="operations",
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="operations", db_index=False
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="operations"
    )
    # Chosen by the form or the caller, so that sending twice asks once.
    client_request_id = models.UUIDField()
    # Keyed fingerprint of everything that was asked for: the same id with other content shows.
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    # What to send, without any configuration value: those are sealed apart.
    payload = models.JSONField()
    # Our tag on the platform: how a lost answer is found again.
    tag = models.CharField(max_length=60, unique=True)

    state = models.CharField(max_length=12, choices=S.choices, default=S.QUEUED)
    next_run_at = models.DateTimeField(db_default=Now())
    lease_owner = models.CharField(max_length=100, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    # Raised by each claim; a write with an older epoch changes nothing (fencing).
    lease_epoch = models.PositiveIntegerField(default=0)
    # Claims since something was last recorded; the fifth without a trace stops the operation.
    claims = models.PositiveSmallIntegerField(default=0)
    # Looks since the last attempt became unknown, and those that proved nothing was there.
    looks = models.PositiveSmallIntegerField(default=0)
    clean_misses = models.PositiveSmallIntegerField(default=0)
    last_looked_at = models.DateTimeField(null=True, blank=True)
    # Which of several instances a person, or the operation itself, is about.
    remote_id = models.BigIntegerField("instance ID", null=True, blank=True)
    # When a person last decided how to go on: periods of giving up count from then.
    decided_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_wish = models.CharField(max_length=6, choices=CancelWish.choices, blank=True, default="")
    # Why it stands where it stands, in words for people; never a value that was sent.
    problem = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=600, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["next_run_at"],
                condition=Q(state__in=CLAIMABLE),
                name="operation_due",
            ),
            models.Index(
                fields=["organization", "next_run_at"],
                condition=Q(state__in=CLAIMABLE),
                name="operation_due_by_organization",
            ),
            models.Index(
                fields=["organization", "lease_until"],
                condition=Q(lease_until__isnull=False),
                name="operation_leased",
            ),
            models.Index(fields=["organization", "state"], name="operation_by_organization"),
            models.Index(fields=["organization", "-id"], name="operation_newest"),
            models.Index(
                fields=["organization", "-id"],
                condition=Q(state=S.NEEDS_PERSON),
                name="operation_waiting_newest",
            ),
            models.Index(
                fields=["-id"], condition=Q(state=S.NEEDS_PERSON), name="operation_waiting"
            ),
            models.Index(fields=["instance", "-id"], name="operation_by_instance"),
            models.Index(
                fields=["id"],
                condition=Q(cancel_wish=CancelWish.DELETE, state=S.SUCCEEDED),
                name="operation_taken_back_too_late",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OperationKind.values), name="operation_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=S.values), name="operation_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["requester", "client_request_id"], name="operation_once_per_request"
            ),
            models.UniqueConstraint(
                fields=["instance"],
                condition=Q(kind=OperationKind.CREATE),
                name="operation_creates_one_instance",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=FINAL)
                | Q(lease_until__isnull=True, finished_at__isnull=False),
                name="operation_final_has_no_lease",
            ),
            models.UniqueConstraint(
                fields=["instance"],
                condition=~Q(state__in=FINAL),
                name="operation_one_at_a_time_per_instance",
            ),
            models.CheckConstraint(
                condition=Q(instance__isnull=False)
                | Q(kind=OperationKind.DELETE, finding__isnull=False),
                name="operation_is_about_something",
            ),
            models.CheckConstraint(
                condition=Q(kind=OperationKind.CREATE) | Q(remote_id__isnull=False),
                name="operation_on_what_exists_names_it",
            ),
            models.CheckConstraint(
                condition=Q(cancel_requested_at__isnull=True, cancel_wish="")
                | Q(cancel_requested_at__isnull=False, cancel_wish__in=CancelWish.values),
                name="operation_cancel_says_what_then",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}"

    @property
    def subject(self) -> "Instance | Finding":
        """The instance that it is about, or the finding: what the record of it names."""
        return self.instance or cast("Finding", self.finding)

    @property
    def made(self) -> Instance:
        """The instance that it creates or adopts."""
        return cast("Instance", self.instance)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_change(self) -> bool:
        """Whether it changes an instance that exists, and goes on existing."""
        return self.kind in CHANGES

    @property
    def delete_at(self) -> datetime | None:
        """When a deletion that can be undone until then is due, by the database's clock."""
        until = self.payload.get("until")
        return datetime.fromisoformat(until) if until else None

    @property
    def is_counting_down(self) -> bool:
        """Whether it is a deletion that waits, until its day or for its turn."""
        return self.state == S.QUEUED and self.delete_at is not None

    @property
    def is_waiting_for_consent(self) -> bool:
        """Whether a person is to go to the provider, or the way there is being asked for."""
        return self.state == S.QUEUED and bool(self.payload.get("consent"))

    @property
    def state_label(self) -> str:
        """The state in the words of what it does."""
        is_on_its_way = self.state == S.SENDING
        return (
            DOING.get(OperationKind(self.kind), "Changing")
            if is_on_its_way
            else S(self.state).label
        )

    @property
    def payload_digest(self) -> str:
        """SHA-256 of the payload in one canonical form: credentials open only beside it."""
        text = json.dumps(self.payload, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def code(self) -> str:
        """The id as 26 letters and digits, in lower case (a tag survives cleaning only so)."""
        return base64.b32encode(self.pk.bytes).decode().rstrip("=").lower()

    def move(self, state: OperationState, *, epoch: int, **changes: object) -> bool:
        """
        Go to `state` and show it on the instance, in the caller's transaction.

        Changes nothing and returns False when the lease was lost (another epoch), the state cannot
        be reached from the present one, or it is `sending` and nothing may leave.
        """
        return bool(Operation.objects.move({self.pk: epoch}, state, **changes))


class OperationSecret(models.Model):
    """The whole configuration of a request, sealed until its operation is final."""

    sealed_fields: ClassVar = ("sealed",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    operation = models.OneToOneField(Operation, on_delete=models.CASCADE, related_name="secret")
    sealed = models.TextField(editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed__startswith="ce1."), name="operation_secret_is_sealed"
            )
        ]

    def __str__(self) -> str:
        return f"Credentials of {self.operation_id}"

    @property
    def sealing_context(self) -> str:
        """The organization and the exact request that the credentials were given for."""
        return f"{self.operation.organization_id}|{self.operation.payload_digest}"
