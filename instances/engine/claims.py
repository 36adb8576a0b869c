"""A worker's hold on one operation: every step it records is fenced by the claim's epoch."""

import os
import random
import socket
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from instances import audit
from instances.models import (
    FINAL,
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Evidence,
    Operation,
    OperationSecret,
    OperationState,
)

WORKER = f"{socket.gethostname()}:{os.getpid()}"[:80]
MAX_CLAIMS = 5
FINAL_ACTIONS = {
    OperationState.REJECTED: "instance.rejected",
    OperationState.CANCELED: "instance.canceled",
}


class LeaseLostError(Exception):
    """Another worker holds the operation, or it has moved on: stop, and leave only evidence."""


def lease() -> timedelta:
    """How long a worker may hold an operation without a sign of life."""
    return timedelta(seconds=settings.ENGINE["LEASE_SECONDS"])


class HeldBackError(Exception):
    """Nothing may leave any more: it was taken back, or its organization's calls are held back."""


@dataclass(frozen=True)
class Claim:
    """One operation, held by this worker until the lease ends."""

    operation: Operation
    epoch: int

    @property
    def is_poison(self) -> bool:
        """Whether so many workers took it up and left no trace that no other should."""
        return self.operation.claims > MAX_CLAIMS

    def renew(self) -> None:
        """
        Begin the lease anew, before a step that may take long.

        :raises LeaseLostError: it is lost already.
        """
        held = Operation.objects.filter(pk=self.operation.pk, lease_epoch=self.epoch)
        if not held.update(lease_until=Now() + lease()):
            raise LeaseLostError

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

    def finish(self, state: OperationState, *, problem: str, message: str) -> None:
        """End the operation without an instance, erasing its credentials with it."""
        with transaction.atomic():
            self.release(state, problem=problem, message=message[:600], finished_at=Now(), claims=0)
            OperationSecret.objects.filter(operation=self.operation).delete()
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
            after=random.uniform(0.5, 1.0) * ceiling,  # noqa: S311 - spreads load, guards nothing
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

        :raises HeldBackError: it was taken back, or its organization's calls are held back.
        :raises LeaseLostError: somebody else holds the operation.
        """
        seconds = settings.ENGINE["CALL_SECONDS"]
        with transaction.atomic():
            moved = self.operation.move(
                OperationState.SENDING,
                epoch=self.epoch,
                lease_until=Now() + lease(),
                problem="",
                message="",
            )
            if not moved:
                raise HeldBackError if self._is_held() else LeaseLostError
            return self._write_attempt(
                address=address, deadline_at=Now() + timedelta(seconds=seconds)
            )

    def _is_held(self) -> bool:
        held = Operation.objects.filter(pk=self.operation.pk, lease_epoch=self.epoch)
        return held.exclude(state__in=FINAL).exists()

    def note_unsent(self, *, error_class: str, message: str, address: str = "") -> None:
        """Record a try that ended before its first byte."""
        self._write_attempt(
            address=address,
            deadline_at=Now(),
            ended_at=Now(),
            outcome=AttemptOutcome.NOT_SENT,
            error_class=error_class,
            message=message[:300],
        )

    def _write_attempt(self, **facts: object) -> Attempt:
        operation = self.operation
        number = operation.attempts.aggregate(last=Max("number"))["last"] or 0
        return Attempt.objects.create(
            operation=operation,
            number=number + 1,
            epoch=self.epoch,
            origin=operation.organization.origin,
            secrets_version=operation.organization.secrets_version,
            worker=WORKER,
            **facts,
        )

    def evidence(self) -> list[Evidence]:
        """Return what was seen on the platform, one row for each instance, newest last."""
        rows = Evidence.objects.filter(attempt__operation=self.operation).exclude(
            attempt__outcome=AttemptOutcome.DECLARED_ABSENT
        )
        rows = rows.order_by("seen_at")
        return list({row.remote_id: row for row in rows}.values())


def close_attempt(attempt: Attempt, outcome: AttemptOutcome, **facts: object) -> bool:
    """
    Record how a request ended, whoever holds the lease by now; False if that was known already.
    """
    unresolved = Attempt.objects.filter(pk=attempt.pk, outcome__in=UNRESOLVED)
    return bool(unresolved.update(outcome=outcome, ended_at=Now(), **facts))
