"""A worker's hold on one operation: every step it records is fenced by the claim's epoch."""

import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce, Greatest, Now

from instances import audit, fence
from instances.cloud_elements import CloudElementsClient
from instances.engine import calls
from instances.engine.batch import Batch
from instances.engine.calls import HeldBackError
from instances.engine.writer import INTENTS, Together
from instances.models import (
    FINAL,
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Consent,
    Evidence,
    Operation,
    OperationState,
    Organization,
    erase_credentials,
)

MAX_CLAIMS = 5
FINAL_ACTIONS = {
    OperationState.REJECTED: "instance.rejected",
    OperationState.CANCELED: "instance.canceled",
}


class LeaseLostError(Exception):
    """Another worker holds the operation, or it has moved on: stop, and leave only evidence."""


def worker() -> str:
    """Return the name under which this process holds operations."""
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


def lease() -> timedelta:
    """How long a worker may hold an operation without a sign of life."""
    return timedelta(seconds=settings.ENGINE["LEASE_SECONDS"])


@dataclass(frozen=True)
class Claim:
    """One operation, held by this worker until the lease ends."""

    operation: Operation
    epoch: int
    batch: Batch = field(default_factory=Batch)

    @property
    def client(self) -> CloudElementsClient:
        """
        The client for its organization.

        :raises UnreadableError: a secret of the organization does not open.
        """
        return self.batch.client_for(self.operation.organization)

    @property
    def may_create(self) -> bool:
        """Whether the requester may create in the organization, asked when it was claimed."""
        return self.batch.may_create(self.operation)

    @property
    def is_first(self) -> bool:
        """Whether no worker held it before, so that nothing can have been tried, nor chosen."""
        return self.epoch == 1 and self.operation.remote_id is None

    @property
    def is_poison(self) -> bool:
        """Whether so many workers took it up and left no trace that no other should."""
        return self.operation.claims > MAX_CLAIMS

    def renew(self) -> None:
        """
        Begin the lease anew, before a call, if calls go out for its organization.

        :raises HeldBackError: the organization's calls are held back since it was claimed.
        :raises LeaseLostError: it is lost already.
        """
        held = Operation.objects.filter(pk=self.operation.pk, lease_epoch=self.epoch)
        calling = held.filter(organization__in=Organization.objects.callable())
        if not calling.update(lease_until=Now() + lease()):
            raise self.why_not()

    def move(self, state: OperationState, **changes: object) -> None:
        """
        Go to `state` and keep the lease.

        :raises LeaseLostError: the claim's epoch is over, or the state cannot be reached.
        """
        with transaction.atomic():
            if not self.operation.move(state, epoch=self.epoch, **changes):
                raise LeaseLostError

    def release(self, state: OperationState, *, after: float = 0.0, **changes: object) -> None:
        """Go to `state`, give the lease back, and come due again in `after` seconds."""
        self.move(
            state,
            lease_owner="",
            lease_until=None,
            next_run_at=Now() + timedelta(seconds=after),
            **changes,
        )

    def give_back(self) -> None:
        """Let another worker take it up at once; this one stops, and its claim does not count."""
        with transaction.atomic():
            if self.operation.state == OperationState.CLAIMED:
                moved([self], OperationState.QUEUED)
            held = Operation.objects.filter(pk=self.operation.pk, lease_epoch=self.epoch)
            # Something may have been recorded since the claim was counted, which then begins at 0.
            claims = Greatest(F("claims") - 1, 0)
            held.update(lease_owner="", lease_until=None, next_run_at=Now(), claims=claims)

    def forget(self) -> None:
        """Count this claim no more: its lease was lost, but its worker lives, and left its traces."""
        claimed = Operation.objects.filter(pk=self.operation.pk, claims__gt=0)
        claimed.update(claims=F("claims") - 1)

    def finish(self, state: OperationState, *, problem: str, message: str) -> None:
        """End the operation without an instance, erasing its credentials with it."""
        with transaction.atomic():
            self.release(state, problem=problem, message=message[:600], finished_at=Now(), claims=0)
            erase_credentials([self.operation.pk])
            if self.operation.payload.get("consent"):
                Consent.objects.filter(operation=self.operation).erase()
            audit.record(None, FINAL_ACTIONS[state], self.operation.subject, problem=problem)

    def ask_person(self, problem: str, message: str, **changes: object) -> None:
        """Stop working on it: what is left to decide takes a person."""
        with transaction.atomic():
            self.release(
                OperationState.NEEDS_PERSON,
                after=0.0,
                problem=problem,
                message=message[:600],
                **changes,
            )
            audit.record(None, "instance.needs_person", self.operation.subject, problem=problem)

    def retry_later(self, problem: str, message: str) -> None:
        """Queue it again with a growing pause (full jitter), since nothing was sent."""
        tries = self.operation.attempts.filter(outcome=AttemptOutcome.NOT_SENT).count()
        ceiling = min(5.0 * 2 ** min(tries, 10), 600.0)
        self.release(
            OperationState.QUEUED,
            after=SystemRandom().uniform(0.5, 1.0) * ceiling,
            problem=problem,
            message=message[:600],
            claims=0,
        )

    def last_attempt(self) -> Attempt | None:
        """Return the newest attempt, as it stands in the database now."""
        return self.operation.attempts.order_by("-number").first()

    def open_attempt(self, address: str) -> Attempt:
        """
        Record that a request is about to leave; committed before its first byte.

        :raises HeldBackError: it was taken back, its organization's calls are held back, a backup
            was restored, or every place for a call is taken for long.
        :raises LeaseLostError: somebody else holds the operation.
        """
        if not _is_unfenced():
            raise HeldBackError
        asked_at = time.monotonic()
        attempt = _intent.save(Intent(self, address))
        if not calls.take_place(asked_at=asked_at):
            close_attempt(attempt, AttemptOutcome.NOT_SENT, error_class="busy")
            raise HeldBackError
        return attempt

    def why_not(self) -> Exception:
        """Return why it may not go on: it is still held, and held back, or it is lost."""
        held = Operation.objects.filter(pk=self.operation.pk, lease_epoch=self.epoch)
        is_held = held.exclude(state__in=FINAL).exists()
        return HeldBackError() if is_held else LeaseLostError()

    def note_unsent(self, *, error_class: str, message: str, address: str = "") -> None:
        """
        Record a try that ended before its first byte.

        :raises LeaseLostError: another worker holds it; what that one sent must stay the newest.
        """
        with transaction.atomic():
            self.renew()
            Attempt.objects.create(
                **_facts(self, address, _last_numbers([self])),
                deadline_at=Now(),
                ended_at=Now(),
                outcome=AttemptOutcome.NOT_SENT,
                error_class=error_class,
                message=message[:300],
            )

    def evidence(self) -> list[Evidence]:
        """Return what was seen on the platform, one row for each instance, newest last."""
        rows = Evidence.objects.filter(attempt__operation=self.operation).exclude(
            attempt__outcome=AttemptOutcome.DECLARED_ABSENT
        )
        rows = rows.order_by("seen_at")
        return list({row.remote_id: row for row in rows}.values())


def _is_unfenced() -> bool:
    # Not where intents are saved: the mark is raised in a transaction of its own.
    try:
        return fence.may_send()
    finally:
        # A call is about to begin, which holds no connection.
        connection.close()


def close_attempt(attempt: Attempt, outcome: AttemptOutcome, **facts: object) -> bool:
    """Record how a request ended, whoever holds the lease by now; False if that was known already."""
    unresolved = Attempt.objects.filter(pk=attempt.pk, outcome__in=UNRESOLVED)
    # What is found out about a request later does not change when it ended.
    ended_at = Coalesce(F("ended_at"), Now())
    return bool(unresolved.update(outcome=outcome, ended_at=ended_at, **facts))


@dataclass(frozen=True)
class Intent:
    """A request that is about to leave for an address."""

    claim: Claim
    address: str


def moved(
    claims: Sequence[Claim], state: OperationState, **changes: object
) -> dict[UUID, datetime]:
    """
    Take the operations of claims to `state`; see `OperationQuerySet.move`.

    :raises ValueError: an old claim and a new one of one operation, which must be asked apart.
    """
    epochs = {claim.operation.pk: claim.epoch for claim in claims}
    if len(epochs) < len(claims):
        raise ValueError("one operation twice")
    return Operation.objects.move(epochs, state, **changes)


def _save_intents(intents: Sequence[Intent]) -> list[Attempt | Exception]:
    claims = [intent.claim for intent in intents]
    went = moved(
        claims, OperationState.SENDING, lease_until=Now() + lease(), problem="", message=""
    )
    numbers = _last_numbers(claims)
    within = timedelta(seconds=settings.ENGINE["CALL_SECONDS"])
    attempts = {
        intent.claim.operation.pk: Attempt(
            **_facts(intent.claim, intent.address, numbers), started_at=at, deadline_at=at + within
        )
        for intent in intents
        if (at := went.get(intent.claim.operation.pk))
    }
    Attempt.objects.bulk_create(attempts.values())
    return [attempts.get(claim.operation.pk) or claim.why_not() for claim in claims]


def _last_numbers(claims: Sequence[Claim]) -> dict[UUID, int]:
    again = [claim.operation.pk for claim in claims if not claim.is_first]
    earlier = Attempt.objects.filter(operation__in=again)
    return dict(earlier.values_list("operation").annotate(last=Max("number")))


def _facts(claim: Claim, address: str, numbers: Mapping[UUID, int]) -> dict[str, Any]:
    operation = claim.operation
    return {
        "operation": operation,
        "number": numbers.get(operation.pk, 0) + 1,
        "epoch": claim.epoch,
        "origin": operation.organization.origin,
        "address": address,
        "secrets_version": operation.organization.secrets_version,
        "worker": worker(),
    }


_intent = Together(_save_intents, INTENTS, patience=0.01)
