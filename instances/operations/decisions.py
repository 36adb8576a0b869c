"""What a person decides about a request whose outcome no machine can settle."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from instances import access, audit, tasks
from instances.models import (
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Finding,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationSecret,
    OperationState,
    Verdict,
    erase_credentials,
)


class Choice(models.TextChoices):
    """What a person may choose when an operation needs one."""

    LOOK = "look", "Look again"
    CREATE = "create", "Create again"
    MARK = "mark", "Mark as not created"
    ADOPT = "adopt", "Adopt this one"
    NOT_OURS = "not_ours", "It is not ours"


# What makes an instance here; of everything else it can only be said that it is given up.
CREATIONS = (OperationKind.CREATE, OperationKind.ADOPT)


# Whatever it stopped with, it can be looked at or ended.
UNSETTLED = (Choice.LOOK, Choice.MARK)
# By the problem that an operation stopped with, where that leaves other choices.
CHOICES = {
    "absent": (Choice.LOOK, Choice.CREATE, Choice.MARK),
    "gone": (Choice.LOOK, Choice.CREATE, Choice.MARK),
    "several": (Choice.ADOPT, Choice.LOOK),
    "possible": (Choice.ADOPT, Choice.NOT_OURS),
    "expired": (Choice.MARK,),
    "known": (Choice.MARK,),
}


def words_of(operation: Operation, choice: Choice) -> str:
    """Return how a choice about this operation is called."""
    if operation.kind in CREATIONS:
        return choice.label
    return {Choice.LOOK: "Try again", Choice.MARK: "Give it up"}.get(choice, choice.label)


class NotWaitingError(Exception):
    """Somebody decided before, or the operation went on: look at the page again."""


class ChoiceError(Exception):
    """This choice is not among those that the operation leaves; the text says what to do."""


@dataclass(frozen=True)
class Facts:
    """What decides, beside the operation itself, how it may go on."""

    candidates: list[Finding]
    has_credentials: bool


def facts_of(rows: Sequence[Operation]) -> dict[UUID, Facts]:
    """Return the facts of each operation, in two queries."""
    ids = [operation.pk for operation in rows]
    candidates: dict[UUID, list[Finding]] = {pk: [] for pk in ids}
    for finding in _candidates().filter(operation__in=ids):
        candidates[cast("UUID", finding.operation_id)].append(finding)
    held = OperationSecret.objects.filter(operation__in=ids)
    with_credentials = set(held.values_list("operation", flat=True))
    return {pk: Facts(candidates[pk], pk in with_credentials) for pk in ids}


def choices_for(operation: Operation) -> tuple[Choice, ...]:
    """Return what a person may choose now, nothing while no person is needed."""
    return choices_given(operation, facts_of([operation])[operation.pk])


def choices_given(operation: Operation, facts: Facts) -> tuple[Choice, ...]:
    """
    Return what a person may choose now, nothing while no person is needed.

    What was found meanwhile can be adopted, and is never joined by a second one.
    """
    if operation.state != OperationState.NEEDS_PERSON:
        return ()
    choices = CHOICES.get(operation.problem, UNSETTLED)
    if facts.candidates:
        others = (choice for choice in choices if choice not in (Choice.ADOPT, Choice.CREATE))
        return (Choice.ADOPT, *others)
    if Choice.ADOPT in choices:
        return UNSETTLED
    return tuple(one for one in choices if one != Choice.CREATE or facts.has_credentials)


def candidates_for(operation: Operation) -> models.QuerySet[Finding]:
    """Return the instances on the platform that may be the one, oldest first."""
    return _candidates().filter(operation=operation)


def _candidates() -> models.QuerySet[Finding]:
    rows = Finding.objects.open().filter(operation__kind=OperationKind.CREATE)
    return rows.order_by("remote_created_at", "pk")


def decide(
    *,
    actor: User,
    operation: Operation,
    choice: Choice,
    reason: str,
    remote_id: int | None = None,
) -> None:
    """
    Go on as a person says; `remote_id` names the instance that shall be adopted, or is not ours.

    :raises NotAllowedError: the actor may not manage what the operation is about.
    :raises ChoiceError: the operation does not leave this choice, or the reason is missing.
    :raises NotWaitingError: it does not wait for a person any more.
    """
    access.require_deciding(actor, operation)
    if not reason.strip():
        raise ChoiceError("Say why: the reason is kept with the decision.")
    with transaction.atomic():
        held = Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
        if choice not in choices_for(held):
            raise (
                NotWaitingError
                if not choices_for(held)
                else ChoiceError(f"“{choice.label}” is not possible here.")
            )
        _carry_out(held, choice, _candidate(held, choice, remote_id), actor, reason)
        audit.record(
            actor,
            f"decision.{choice}",
            held.subject,
            reason=reason[:300],
            problem=held.problem,
            remote_id=remote_id,
        )
        transaction.on_commit(partial(tasks.ring, held.pk))


def _candidate(operation: Operation, choice: Choice, remote_id: int | None) -> Finding | None:
    if choice not in (Choice.ADOPT, Choice.NOT_OURS):
        return None
    found = candidates_for(operation).filter(remote_id=remote_id or 0).first()
    if found is None:
        raise ChoiceError("Choose one of the instances in the list.")
    return found


def _carry_out(
    operation: Operation, choice: Choice, candidate: Finding | None, actor: User, reason: str
) -> None:
    if candidate is not None:
        verdict = Verdict.ADOPTED if choice == Choice.ADOPT else Verdict.NOT_OURS
        settle_finding(candidate, verdict, actor, reason)
    if choice in (Choice.LOOK, Choice.ADOPT):
        _reopen(operation)
    if choice == Choice.LOOK or choice == Choice.NOT_OURS:
        _look(operation)
    elif choice == Choice.CREATE:
        _declare_absent(operation)
        _go_on(operation, OperationState.QUEUED, remote_id=None)
    elif candidate is not None:
        _go_on(operation, OperationState.CREATED, remote_id=candidate.remote_id)
    else:
        _mark(operation)


def settle_finding(finding: Finding, verdict: Verdict, actor: User, reason: str) -> None:
    """Write down what a person decided about a finding, in the caller's transaction."""
    Finding.objects.filter(pk=finding.pk).update(
        verdict=verdict, reason=reason[:300], decided_by=actor, decided_at=Now()
    )


def _reopen(operation: Operation) -> None:
    """Open the last request again if its absence was proven: a person doubts that."""
    last = operation.attempts.order_by("-number").first()
    if operation.problem == "absent" and last is not None:
        Attempt.objects.filter(pk=last.pk).update(outcome=AttemptOutcome.UNKNOWN)


def _look(operation: Operation) -> None:
    """Go back to where the machines left off: looking if something may have happened."""
    # What was chosen and is gone is not looked for, but what the request may have made.
    chosen = {"remote_id": None} if operation.problem == "gone" else {}
    if operation.attempts.filter(outcome__in=UNRESOLVED).exists():
        _go_on(operation, OperationState.UNKNOWN, **chosen)
    elif operation.attempts.filter(outcome=AttemptOutcome.SUCCEEDED).exists():
        _go_on(operation, OperationState.CREATED, **chosen)
    else:
        _go_on(operation, OperationState.QUEUED, **chosen)


def _declare_absent(operation: Operation) -> None:
    """Take a person's word for it that no request of this operation left anything behind."""
    open_ones = Q(outcome__in=UNRESOLVED) | Q(outcome=AttemptOutcome.SUCCEEDED)
    operation.attempts.filter(open_ones).update(
        outcome=AttemptOutcome.DECLARED_ABSENT, ended_at=Coalesce(F("ended_at"), Now())
    )


def _go_on(operation: Operation, state: OperationState, **changes: object) -> None:
    operation.move(
        state,
        epoch=operation.lease_epoch,
        next_run_at=Now(),
        decided_at=Now(),
        looks=0,
        clean_misses=0,
        claims=0,
        problem="",
        message="",
        **changes,
    )


def _mark(operation: Operation) -> None:
    """End it on a person's word; had something left, a later search may still find it."""
    has_left = operation.attempts.exclude(outcome=AttemptOutcome.NOT_SENT).exists()
    _declare_absent(operation)
    is_creation = operation.kind in CREATIONS
    operation.move(
        OperationState.REJECTED if has_left or not is_creation else OperationState.CANCELED,
        epoch=operation.lease_epoch,
        decided_at=Now(),
        finished_at=Now(),
        problem="declared",
        message="A person marked it as not created." if is_creation else "A person gave it up.",
    )
    erase_credentials([operation.pk])
    _show_again(operation)


def _show_again(operation: Operation) -> None:
    """Show what was to be deleted or adopted as before; what is an instance here stays decided."""
    if operation.problem != "known":
        Finding.objects.filter(operations=operation).update(verdict=Verdict.OPEN)
    being_deleted = Instance.objects.filter(operations=operation, status=InstanceStatus.DELETING)
    being_deleted.update(status=InstanceStatus.ACTIVE)
