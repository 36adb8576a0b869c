"""How a wish stands and what a person can do about it: for the instance's page and the list."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from instances import access, operations
from instances.models import Attempt, Finding, Operation
from instances.operations import Choice
from instances.views.progress import UNSENT, attempts_of, last_sent


@dataclass(frozen=True)
class Standing:
    """One operation that needs a person, with what was sent and what can be chosen."""

    operation: Operation
    attempts: list[Attempt]
    candidates: list[Finding]
    choices: tuple[Choice, ...]
    may_decide: bool

    @property
    def offers(self) -> list[tuple[str, str]]:
        """What can be chosen, each with its words."""
        named = [(choice, operations.words_of(self.operation, choice)) for choice in self.choices]
        return [(choice.value, words) for choice, words in named]

    @property
    def sent(self) -> Attempt | None:
        """The newest request that left."""
        return last_sent(self.attempts)

    @property
    def requests(self) -> list[Attempt]:
        """Every request that left, oldest first."""
        return [attempt for attempt in self.attempts if attempt.outcome not in UNSENT]


def standing(user: User, operation: Operation) -> Standing:
    """Return what a person needs to know to decide how `operation` goes on."""
    return standings(user, [operation])[0]


def standings(user: User, rows: Sequence[Operation]) -> list[Standing]:
    """Return the standing of each of them, in a number of queries that does not depend on theirs."""
    facts = operations.facts_of(rows)
    attempts = attempts_of(rows)
    decidable = access.decidable_among(user, rows)
    return [
        Standing(
            operation=operation,
            attempts=attempts[operation.pk],
            candidates=facts[operation.pk].candidates,
            choices=operations.choices_given(operation, facts[operation.pk]),
            may_decide=operation.pk in decidable,
        )
        for operation in rows
    ]
