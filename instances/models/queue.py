"""The queue of operations: what is due, whose turn it is, and the moves of those that are held."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now

from instances.models.instance import Instance, InstanceStatus
from instances.models.moves import Moving, tell
from instances.models.organization import BreakerState, Organization
from instances.models.states import (
    CLAIMABLE,
    INSTANCE_STATUS,
    CancelWish,
    OperationKind,
    OperationState,
    moves_of,
    status_of,
)

if TYPE_CHECKING:
    from instances.models.finding import Finding
    from instances.models.operation import Operation

S = OperationState
# An organization, and how many of its operations are taken up now.
Turn = tuple[UUID, int]


class OperationQuerySet(models.QuerySet["Operation"]):
    """Questions asked of operations, and the claim."""

    def due(self) -> "OperationQuerySet":
        """Those a worker may take up now, by the database's clock."""
        return self.free().filter(organization__in=Organization.objects.callable())

    def free(self) -> "OperationQuerySet":
        """Those whose time has come and which nobody holds, whatever holds their organization."""
        return self.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=Now()),
            state__in=CLAIMABLE,
            next_run_at__lte=Now(),
        )

    def claim(self, *, worker: str, limit: int, lease: timedelta) -> list["Operation"]:
        """
        Take up to `limit` due operations, each with a new epoch and lease.

        Organizations take turns: the one that waited longest first, none above its calls in
        flight; within one the oldest comes first. Two workers never get the same operation:
        PostgreSQL skips locked rows, SQLite has one writer. The number of queries depends on the
        organizations that are served, not on the length of the queue.
        """
        turns = self._turns(limit)
        if not turns:
            return []
        token = f"{worker}:{uuid.uuid4().hex[:12]}"
        with transaction.atomic():
            taken = [row for turn in self._locked(turns) for row in self._next(*turn)]
            if not taken:
                return []
            self._hold(taken, token, lease)
        rows = self.filter(lease_owner=token).order_by("next_run_at")
        together = ("organization", "instance", "requester", "secret")
        return _sharing_organizations(rows.select_related(*together))

    def _turns(self, limit: int) -> list[Turn]:
        """Return whose turn it is and how many each may take, of `limit` together."""
        waiting = self.free().filter(organization=OuterRef("pk"))
        rows = self._with_held(Organization.objects.callable().filter(Exists(waiting)))
        waited_longest = F("served_at").asc(nulls_first=True)
        open_ = [
            (one.pk, room)
            for one in rows.order_by(waited_longest, "pk")
            if (room := _room(one)) > 0
        ]
        turns, left = [], limit
        for place, (pk, room) in enumerate(open_):
            share = min(room, ceil(left / (len(open_) - place)))
            turns += [(pk, share)] if share else []
            left -= share
        return turns

    def _locked(self, turns: Sequence[Turn]) -> list[Turn]:
        """Keep other workers from claiming for the same organizations, and count again."""
        shares = dict(turns)
        # In one order, so that no two workers wait for each other.
        rows = Organization.objects.callable().filter(pk__in=shares).order_by("pk")
        locked = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
        counted = self._with_held(Organization.objects.filter(pk__in=locked))
        rooms = {one.pk: _room(one) for one in counted}
        return [(pk, min(share, rooms[pk])) for pk, share in turns if rooms.get(pk, 0) > 0]

    def _with_held(self, organizations: QuerySet[Organization]) -> QuerySet[Organization]:
        """Count for each organization what workers hold."""
        held = self.filter(organization=OuterRef("pk"), lease_until__gt=Now())
        counted = held.order_by().values("organization").annotate(number=Count("pk"))
        number = Coalesce(Subquery(counted.values("number")), 0)
        return organizations.annotate(held=number)

    def _next(self, organization: UUID, number: int) -> list[tuple[UUID, UUID | None]]:
        rows = self.free().filter(organization=organization).order_by("next_run_at")
        free = rows.select_for_update(skip_locked=True, of=("self",))
        return list(free.values_list("pk", "instance")[:number])

    def _hold(self, taken: list[tuple[UUID, UUID | None]], token: str, lease: timedelta) -> None:
        rows = self.filter(pk__in=[pk for pk, _ in taken])
        rows.update(
            lease_owner=token,
            lease_until=Now() + lease,
            lease_epoch=F("lease_epoch") + 1,
            claims=F("claims") + 1,
            state=Case(When(state=S.QUEUED, then=Value(S.CLAIMED)), default=F("state")),
        )
        # What waits in the queue is shown as queued, and nothing else is.
        waiting = Instance.objects.filter(pk__in=[instance for _, instance in taken if instance])
        waiting.filter(status=InstanceStatus.QUEUED).update(status=INSTANCE_STATUS[S.CLAIMED])
        served = Organization.objects.filter(pk__in=rows.values("organization"))
        served.update(served_at=Now())

    def move(
        self, epochs: Mapping[UUID, int], state: OperationState, **changes: object
    ) -> dict[UUID, datetime]:
        """
        Take operations to `state`, each by the epoch of its claim, and show it on the instances.

        Returns those that went, and when by the database's clock. The others are as before: their lease was lost (another epoch), the
        state cannot be reached from the present one, or it is `sending` and nothing may leave.
        """
        rows = self.filter(pk__in=epochs)
        if state == S.SENDING:
            rows = rows.sendable()
        with transaction.atomic(savepoint=False):
            found = rows.order_by("pk").select_for_update(of=("self",))
            held = [Moving(*row) for row in found.values_list(*Moving._fields[:-1], Now())]
            moving = [row for row in held if _may_go(row, epochs[row.pk], state)]
            if moving:
                self.filter(pk__in=[row.pk for row in moving]).update(state=state, **changes)
                _show(moving, state)
                tell(self.model.objects.all(), moving, state, str(changes.get("problem", "")))
        return {row.pk: row.at for row in moving}

    def ask_change(
        self,
        kind: OperationKind,
        requester: User,
        instance: Instance,
        asked: Mapping[str, object],
        keys: Iterable[str] = (),
    ) -> "Operation":
        """Record the wish for a change of an instance, which the caller shows as changing."""
        operation = self.model(
            kind=kind,
            instance=instance,
            organization_id=instance.organization_id,
            requester=requester,
            remote_id=instance.remote_id,
            client_request_id=uuid.uuid4(),
            payload={
                "remote_id": instance.remote_id,
                "configuration_keys": list(keys),
                **asked,
            },
        )
        operation.tag = f"change-{operation.code}"
        operation.save(force_insert=True)
        return operation

    def ask_deletion(
        self,
        *,
        requester: User,
        organization: Organization,
        remote_id: int,
        instance: Instance | None = None,
        finding: "Finding | None" = None,
        days: float = 0.0,
        **asked: object,
    ) -> "Operation":
        """
        Record the wish to delete one instance on the platform: a row's, or a finding's.

        In `days` by the database's clock; until then the instance is shown as it is, and not left.
        """
        until = database_now() + timedelta(days=days) if days else None
        operation = self.model(
            kind=OperationKind.DELETE,
            requester=requester,
            organization=organization,
            instance=instance,
            finding=finding,
            remote_id=remote_id,
            client_request_id=uuid.uuid4(),
            payload={"remote_id": remote_id, **asked},
        )
        operation.tag = f"delete-{operation.code}"
        if until is not None:
            operation.next_run_at = until
            operation.payload["until"] = until.isoformat()
        operation.save(force_insert=True)
        if instance is not None and until is None:
            Instance.objects.filter(pk=instance.pk).update(status=InstanceStatus.DELETING)
        return operation

    def taken_back_too_late(self) -> "OperationQuerySet":
        """Those that created what shall be deleted then, and whose deletion nobody asked for yet."""
        deletions = self.model.objects.filter(
            kind=OperationKind.DELETE, instance=models.OuterRef("instance")
        )
        done = self.filter(cancel_wish=CancelWish.DELETE, state=S.SUCCEEDED)
        return done.filter(~models.Exists(deletions))

    def sendable(self) -> "OperationQuerySet":
        """Those whose request may leave now: nobody took them back, nothing holds calls back."""
        return self.filter(
            Q(organization__paused_until__isnull=True) | Q(organization__paused_until__lt=Now()),
            cancel_requested_at__isnull=True,
            organization__is_active=True,
            organization__secrets_refused_at__isnull=True,
            organization__breaker=BreakerState.CLOSED,
        )


def _sharing_organizations(operations: "Iterable[Operation]") -> "list[Operation]":
    """Give those of one organization the same object: what one call learns, the others know."""
    found = list(operations)
    organizations = {operation.organization_id: operation.organization for operation in found}
    for operation in found:
        operation.organization = organizations[operation.organization_id]
    return found


def _room(organization: Organization) -> int:
    """Return how many more calls it may have in flight, as `with_held` counted them."""
    engine = settings.ENGINE
    most = organization.most_calls(engine["CALLS_PER_ORGANIZATION"], engine["RAMP_SECONDS"])
    return most - int(organization.held)  # type: ignore[attr-defined]  # `with_held` annotates it


def _may_go(row: Moving, epoch: int, state: OperationState) -> bool:
    return row.lease_epoch == epoch and row.state in moves_of(row.kind)[state]


def _show(moving: Sequence[Moving], state: OperationState) -> None:
    """Show the state on the instances, where it is another than before."""
    shown: dict[InstanceStatus, list[UUID]] = {}
    for row in moving:
        status = status_of(row.kind, state)
        if status and row.instance and status != status_of(row.kind, row.state):
            shown.setdefault(status, []).append(row.instance)
    for status, instances in shown.items():
        Instance.objects.filter(pk__in=instances).update(status=status)


NOW = {
    "postgresql": "SELECT STATEMENT_TIMESTAMP()",
    "sqlite": "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'now')",
}


def database_now() -> datetime:
    """Return the moment by the database's clock, which all workers share."""
    with connection.cursor() as cursor:
        cursor.execute(NOW[connection.vendor])
        (now,) = cursor.fetchone()
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)
