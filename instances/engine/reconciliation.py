"""Look for a lost answer: found means adopted, absent is believed only when it is proven."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from instances import tags
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    FoundInstance,
    UnauthorizedError,
)
from instances.crash_points import reach
from instances.engine import accounts, adoption, findings, searching, storing, visibility
from instances.engine.claims import Claim, close_attempt
from instances.models import (
    Attempt,
    AttemptOutcome,
    Finding,
    FindingKind,
    Instance,
    Operation,
    OperationState,
    Verdict,
)

logger = structlog.get_logger(__name__)

CLEAN_MISSES_NEEDED = 3
TAG_OR_MENTION = re.compile(r"<[^>]*>|@\w+")
CLOCK_SLACK = timedelta(minutes=10)
# Goes on while the machine sleeps, where the system has such a clock (Linux).
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# What every look leaves on its operation.
LOOKED = {"looks": F("looks") + 1, "last_looked_at": Now()}
# When this process first knew that a request had ended, by a clock that no one can set.
_known_since: dict[int, float] = {}


class CannotTellError(Exception):
    """The look could not prove anything; the message says why."""


@dataclass(frozen=True)
class Look:
    """What one look saw: instances with our tag, and ones that only share the name."""

    found: list[FoundInstance]
    possible: list[FoundInstance]


def begin(claim: Claim, error: CloudElementsError) -> None:
    """Show that the outcome is unknown, and look for the first time after a short pause."""
    searching.doubt(claim.operation.organization)
    claim.release(
        OperationState.UNKNOWN,
        after=settings.ENGINE["LOOK_PAUSES"][0],
        problem=error.error_class,
        message=str(error),
        looks=0,
        clean_misses=0,
        claims=0,
    )


def settle(
    claim: Claim, attempt: Attempt, *, client: CloudElementsClient, secrets: Sequence[str]
) -> bool:
    """
    Look for what an earlier request may have made; True means: nothing there, create it now.

    Otherwise the operation has been moved on: finished, due for another look, or a person's.
    """
    if attempt.outcome == AttemptOutcome.IN_FLIGHT:
        close_attempt(attempt, AttemptOutcome.UNKNOWN, error_class="worker-lost")
        searching.doubt(claim.operation.organization)
    if attempt.outcome != AttemptOutcome.THROTTLED:
        claim.move(OperationState.UNKNOWN)
    reach("looking")
    try:
        look = _look(claim, attempt, client)
    except CannotTellError as error:
        _look_again(claim, attempt, message=str(error))
        return False
    if look.found:
        _adopt(claim, attempt, look.found, client, secrets)
        return False
    if look.possible:
        findings.note(claim.operation, FindingKind.POSSIBLE, look.possible)
        ids = ", ".join(str(found.remote_id) for found in look.possible)
        claim.ask_person("possible", f"Instance {ids} has this name but lacks our tag.", **LOOKED)
        return False
    return attempt.outcome == AttemptOutcome.THROTTLED or _missed(claim, attempt)


def _look(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> Look:
    """
    Ask for our tag, then for the name, between two proofs that the right account answers.

    :raises CannotTellError: something about the answers is not good enough to prove absence.
    """
    organization = claim.operation.organization
    try:
        _control(claim, client)
        found = _by_tag(claim, client)
        possible = [] if found else _by_name(claim, attempt, client)
        if not found:
            if doubt := visibility.doubt(claim, client):
                raise CannotTellError(doubt)
            _control(claim, client)
    except CloudElementsError as error:
        if isinstance(error, UnauthorizedError) and error.status == 401:
            accounts.mark_refused(organization)
            raise CannotTellError(f"The platform refuses the secrets of {organization}.") from error
        raise CannotTellError(str(error)) from error
    return Look(found, possible)


def _control(claim: Claim, client: CloudElementsClient) -> None:
    organization = claim.operation.organization
    claim.renew()
    account = accounts.identify(organization, client)
    if organization.account and account != organization.account:
        raise CannotTellError("The platform answers for another account than before.")


def _by_tag(claim: Claim, client: CloudElementsClient) -> list[FoundInstance]:
    tag = claim.operation.tag
    listed = visibility.through(claim, client.pages_of_instances(tag=tag))
    # Nobody else can have this tag, so neither a clock nor an odd key makes it somebody else's.
    return [found for found in listed if tag in found.tags]


def _by_name(claim: Claim, attempt: Attempt, client: CloudElementsClient) -> list[FoundInstance]:
    """Find instances that lost their tags: ours by name and time, and nobody else's."""
    name = cleaned_name(claim.operation.payload["name"])
    # The longest plain run of the name survives whatever the platform cleans away around it.
    longest = max(name.split(), key=len, default="")
    listed = visibility.through(claim, client.pages_of_instances(search_text=longest))
    candidates = [
        found
        for found in listed
        if cleaned_name(found.name) == name
        and _fits(claim, attempt, found)
        and found.remote_created_at is not None
        and not any(tags.is_ours(tag) for tag in found.tags)
    ]
    account = claim.operation.organization.account
    ids = [found.remote_id for found in candidates]
    known = Instance.objects.filter(account=account, remote_id__in=ids)
    decided = Finding.objects.filter(account=account, remote_id__in=ids)
    decided = decided.exclude(verdict=Verdict.OPEN)
    taken = {
        *known.values_list("remote_id", flat=True),
        *decided.values_list("remote_id", flat=True),
    }
    return [found for found in candidates if found.remote_id not in taken]


def cleaned_name(name: str) -> str:
    """Return what the platform's cleaning leaves alone, to compare a name before and after it."""
    text = TAG_OR_MENTION.sub(" ", name)
    return " ".join(re.findall(r"\w+", text)).casefold()


def _fits(claim: Claim, attempt: Attempt, found: FoundInstance) -> bool:
    is_recent = (
        found.remote_created_at is None
        or found.remote_created_at >= attempt.started_at - CLOCK_SLACK
    )
    return is_recent and found.element_key == claim.operation.payload["element_key"]


def _adopt(
    claim: Claim,
    attempt: Attempt,
    found: Sequence[FoundInstance],
    client: CloudElementsClient,
    secrets: Sequence[str],
) -> None:
    for one in found:
        claim.renew()
        try:
            remote = client.get_instance(one.remote_id, secrets=secrets)
        except CloudElementsError as error:
            _look_again(claim, attempt, message=str(error))
            return
        storing.record_sighting(claim, attempt, remote)
        reach("sighting saved")
    if len(found) > 1:
        findings.note(claim.operation, FindingKind.SEVERAL, found)
    if len(found) == 1:
        storing.finish(claim, remote)
        findings.settle_known(claim.operation.organization)
    else:
        adoption.adopt(claim, claim.evidence(), client=client, secrets=secrets)


def _missed(claim: Claim, attempt: Attempt) -> bool:
    operation = claim.operation
    misses = operation.clean_misses + 1
    if attempt.secrets_version != operation.organization.secrets_version:
        claim.ask_person(
            "other-secrets",
            "The organization's secrets changed after the request. The new ones do not show such "
            "an instance, but may belong to another user, who sees other instances.",
            **LOOKED,
        )
        return False
    is_proven = (
        misses >= CLEAN_MISSES_NEEDED and _waited(attempt) >= settings.ENGINE["SETTLE_SECONDS"]
    )
    if not is_proven:
        _look_again(claim, attempt, clean_misses=misses, message=operation.message)
        return False
    return _absent(claim, attempt, misses)


def _absent(claim: Claim, attempt: Attempt, misses: int) -> bool:
    operation = claim.operation
    repeated = operation.attempts.filter(outcome=AttemptOutcome.PROVEN_ABSENT).exists()
    with transaction.atomic():
        if not close_attempt(
            attempt, AttemptOutcome.PROVEN_ABSENT, message="No instance with our tag."
        ):
            # Its own worker reported after all, while we were looking: what it saw comes first.
            claim.release(OperationState.UNKNOWN)
            return False
        # Whoever took it back while we were looking is heard; who comes later finds a person asked.
        operation.cancel_requested_at = _taken_back_at(operation)
        if repeated and not operation.cancel_requested_at:
            claim.ask_person(
                "absent",
                f"Two requests got no usable answer, and {misses} checks each found no instance "
                f"with the tag {operation.tag}.",
                **LOOKED,
                clean_misses=misses,
            )
        else:
            claim.move(OperationState.CLAIMED, looks=0, clean_misses=0, claims=0)
    reach("proven absent")
    return not repeated or operation.cancel_requested_at is not None


def _taken_back_at(operation: Operation) -> datetime | None:
    """Return when it was taken back as it stands now; the row stays as it is until the caller commits."""
    row = Operation.objects.select_for_update().filter(pk=operation.pk)
    return row.values_list("cancel_requested_at", flat=True).first()


def _waited(attempt: Attempt) -> float:
    """Return the seconds since the request ended, by the slower of two clocks."""
    now = time.clock_gettime(CLOCK)
    since = _known_since.setdefault(attempt.pk, now)
    ended = attempt.ended_at or attempt.deadline_at
    return min(adoption.age_in_seconds(ended), now - since)


def _look_again(
    claim: Claim, attempt: Attempt, *, message: str, clean_misses: int | None = None
) -> None:
    operation = claim.operation
    _waited(attempt)
    since = operation.decided_at or attempt.ended_at or attempt.deadline_at
    if adoption.age_in_seconds(since) > adoption.GIVE_UP_SECONDS:
        claim.ask_person("unproven", f"A day of looking proved nothing. {message}", **LOOKED)
        return
    pauses = settings.ENGINE["LOOK_PAUSES"]
    pause = pauses[min(operation.looks + 1, len(pauses) - 1)]
    is_waiting = attempt.outcome == AttemptOutcome.THROTTLED
    claim.release(
        OperationState.QUEUED if is_waiting else OperationState.UNKNOWN,
        after=pause,
        **LOOKED,
        clean_misses=operation.clean_misses if clean_misses is None else clean_misses,
        message=message[:600],
        claims=0,
    )
