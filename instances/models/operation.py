"""A wish, where it stands, and the sealed credentials that it needs until it is final."""

import base64
import hashlib
import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.instance import Instance, InstanceStatus
from instances.models.organization import BreakerState, Organization
from instances.models.states import (
    CLAIMABLE,
    DELETE_REACHED_FROM,
    FINAL,
    INSTANCE_STATUS,
    REACHED_FROM,
    CancelWish,
    OperationKind,
    OperationState,
)

if TYPE_CHECKING:
    from instances.models.finding import Finding

S = OperationState


class OperationQuerySet(models.QuerySet["Operation"]):
    """Questions asked of operations, and the claim."""

    def due(self) -> "OperationQuerySet":
        """Those a worker may take up now, by the database's clock."""
        return self.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=Now()),
            Q(organization__paused_until__isnull=True) | Q(organization__paused_until__lt=Now()),
            state__in=CLAIMABLE,
            next_run_at__lte=Now(),
            organization__is_active=True,
            organization__secrets_refused_at__isnull=True,
            organization__breaker=BreakerState.CLOSED,
        )

    def claim(self, *, worker: str, limit: int, lease: timedelta) -> list["Operation"]:
        """
        Take up to `limit` due operations, oldest first, each with a new epoch and lease.

        Two workers never get the same one: PostgreSQL skips locked rows, SQLite has one writer.
        """
        token = f"{worker}:{uuid.uuid4().hex[:12]}"
        with transaction.atomic():
            rows = self.due().select_for_update(skip_locked=True, of=("self",))
            ids = list(rows.order_by("next_run_at").values_list("pk", flat=True)[:limit])
            if not ids:
                return []
            self.filter(pk__in=ids).update(
                lease_owner=token,
                lease_until=Now() + lease,
                lease_epoch=F("lease_epoch") + 1,
                claims=F("claims") + 1,
            )
        claimed = self.filter(lease_owner=token)
        return list(claimed.select_related("organization", "instance", "requester"))

    def ask_deletion(
        self,
        *,
        requester: User,
        organization: Organization,
        remote_id: int,
        instance: Instance | None = None,
        finding: "Finding | None" = None,
    ) -> "Operation":
        """Record the wish to delete one instance on the platform: a row's, or a finding's."""
        operation = Operation(
            kind=OperationKind.DELETE,
            requester=requester,
            organization=organization,
            instance=instance,
            finding=finding,
            remote_id=remote_id,
            client_request_id=uuid.uuid4(),
            payload={"remote_id": remote_id},
        )
        operation.tag = f"delete-{operation.code}"
        operation.save(force_insert=True)
        if instance is not None:
            Instance.objects.filter(pk=instance.pk).update(status=InstanceStatus.DELETING)
        return operation

    def taken_back_too_late(self) -> "OperationQuerySet":
        """Those that created what shall be deleted then, and whose deletion nobody asked for yet."""
        deletions = Operation.objects.filter(
            kind=OperationKind.DELETE, instance=models.OuterRef("instance")
        )
        done = self.filter(cancel_wish=CancelWish.DELETE, state=S.SUCCEEDED)
        return done.filter(~models.Exists(deletions))

    def sendable(self) -> "OperationQuerySet":
        """Those whose request may leave now: nobody took them back, nothing holds calls back."""
        return self.filter(
            cancel_requested_at__isnull=True,
            organization__is_active=True,
            organization__secrets_refused_at__isnull=True,
            organization__breaker=BreakerState.CLOSED,
        )


class Operation(models.Model):
    """One wish of one person, carried out at most once in effect."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=OperationKind.choices)
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
        Organization, on_delete=models.PROTECT, related_name="operations"
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
        rows = Operation.objects.filter(
            pk=self.pk, lease_epoch=epoch, state__in=self.reached_from(state)
        )
        if state == S.SENDING:
            rows = rows.sendable()
        moved = rows.update(state=state, **changes)
        if (
            moved
            and self.instance_id
            and self.kind != OperationKind.DELETE
            and state != S.SUCCEEDED
        ):
            Instance.objects.filter(pk=self.instance_id).update(status=INSTANCE_STATUS[state])
        return bool(moved)

    def reached_from(self, state: OperationState) -> tuple[OperationState, ...]:
        """Return the states from which an operation of this kind may go to `state`."""
        moves = DELETE_REACHED_FROM if self.kind == OperationKind.DELETE else REACHED_FROM
        return moves[state]


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
