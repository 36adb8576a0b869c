"""Store what the platform answered, for many calls at a time: evidence first, then the instance."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import Model
from django.db.models.functions import Now
from django.utils import timezone

from instances import audit, vault, zuora
from instances.cloud_elements import RemoteInstance
from instances.crash_points import reach
from instances.engine.claims import Claim, LeaseLostError, moved
from instances.engine.writer import ANSWERS, Together
from instances.models import (
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Evidence,
    EvidenceKind,
    Health,
    Instance,
    InstanceStatus,
    InstanceTag,
    OperationSecret,
    OperationState,
    database_now,
)
from instances.vault import Purpose

logger = structlog.get_logger(__name__)

# What the platform's reply fills in.
FILLED = [
    "status",
    "account",
    "remote_id",
    "token",
    "name",
    "element",
    "configuration",
    "is_valid",
    "is_disabled",
    "has_events",
    "has_caching",
    "has_trace_logging",
    "remote_created_at",
    "settled_at",
]
# Of these, what reading it again leaves alone.
OWN = ("status", "account", "remote_id", "settled_at")


@dataclass(frozen=True)
class Seen:
    """An instance that was seen on the platform, because of which request and where."""

    claim: Claim
    attempt: Attempt
    remote: RemoteInstance
    kind: EvidenceKind


@dataclass(frozen=True)
class Made:
    """An instance of the platform's, to be stored as the one that was asked for."""

    claim: Claim
    remote: RemoteInstance


def record_answer(claim: Claim, attempt: Attempt, remote: RemoteInstance) -> None:
    """Save id and token in the smallest transaction there is, whoever holds the lease."""
    _insist(lambda: _evidence.save(Seen(claim, attempt, remote, EvidenceKind.ANSWER)))


def record_sighting(claim: Claim, attempt: Attempt, remote: RemoteInstance) -> None:
    """Save that an instance with our tag was seen in the platform's list."""
    _insist(lambda: _evidence.save(Seen(claim, attempt, remote, EvidenceKind.LISTING)))


def finish(claim: Claim, remote: RemoteInstance) -> None:
    """
    Make the instance active, and erase the provider's credentials, in one transaction.

    :raises LeaseLostError: another worker holds the operation; it finds the evidence.
    """
    try:
        _instance.save(Made(claim, remote))
    except IntegrityError:
        claim.ask_person(
            "known",
            f"Instance {remote.remote_id} of the platform is already here under another name.",
        )


def _insist(save: Callable[[], None]) -> None:
    """Repeat a save while the database is away: what it holds exists nowhere else."""
    give_up = time.monotonic() + settings.ENGINE["LEASE_SECONDS"] + 120
    while True:
        try:
            save()
        except (OperationalError, InterfaceError):
            if time.monotonic() > give_up:
                raise
            logger.warning("evidence not saved yet")
            time.sleep(1)
        else:
            return


def _save_evidence(everything: Sequence[Seen]) -> list[None]:
    now = database_now()
    rows = [
        Evidence(
            attempt=seen.attempt,
            kind=seen.kind,
            remote_id=seen.remote.remote_id,
            worker=seen.attempt.worker,
            seen_at=now,
        )
        for seen in everything
    ]
    tokens = [seen.remote.token.reveal() for seen in everything]
    for row, sealed in zip(rows, vault.seal_all(rows, "token", tokens), strict=True):
        row.token = sealed
    Evidence.objects.bulk_create(rows, ignore_conflicts=True)
    _close_attempts(everything, now)
    # Without the lease this changes nothing, and its holder finds the evidence.
    moved([seen.claim for seen in everything], OperationState.CREATED)
    return [None] * len(everything)


def _close_attempts(everything: Sequence[Seen], now: datetime) -> None:
    """Record that the requests succeeded, with what their own answers told, if there were any."""
    rows = Attempt.objects.filter(pk__in=[seen.attempt.pk for seen in everything])
    open_ = rows.filter(outcome__in=UNRESOLVED).order_by("pk").select_for_update()
    unresolved = set(open_.values_list("pk", flat=True))
    closing = [_succeeded(seen, now) for seen in everything if seen.attempt.pk in unresolved]
    if closing:
        overwrite(closing, ["outcome", "ended_at", "http_status", "request_id"])


def _succeeded(seen: Seen, now: datetime) -> Attempt:
    attempt = copy(seen.attempt)
    attempt.outcome, attempt.ended_at = AttemptOutcome.SUCCEEDED, attempt.ended_at or now
    if seen.kind == EvidenceKind.ANSWER:
        attempt.ended_at = now
        attempt.http_status, attempt.request_id = seen.remote.http_status, seen.remote.request_id
    return attempt


def overwrite(rows: Sequence[Model], fields: Sequence[str]) -> None:
    """Write `fields` of rows that exist: one statement, different values in each row."""
    type(rows[0])._default_manager.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=fields
    )


def _save_instances(everything: Sequence[Made]) -> list[LeaseLostError | None]:
    reach("finishing")
    went = moved(
        [made.claim for made in everything],
        OperationState.SUCCEEDED,
        lease_owner="",
        lease_until=None,
        next_run_at=Now(),
        finished_at=Now(),
        problem="",
        message="",
    )
    stored = [made for made in everything if made.claim.operation.pk in went]
    if stored:
        _fill(stored)
        OperationSecret.objects.filter(operation__in=list(went)).delete()
        AuditEntry.objects.bulk_create(
            audit.entry(
                None,
                "instance.created",
                made.claim.operation.subject,
                remote_id=made.remote.remote_id,
            )
            for made in stored
        )
    return [None if made.claim.operation.pk in went else LeaseLostError() for made in everything]


def _fill(stored: Sequence[Made]) -> None:
    instances = [_filled(made) for made in stored]
    tokens = [made.remote.token.reveal() for made in stored]
    for instance, sealed in zip(instances, vault.seal_all(instances, "token", tokens), strict=True):
        instance.token = sealed
    overwrite(instances, FILLED)
    # Whatever is active is watched from the first moment: lists by health leave nothing out.
    Health.objects.watch(instances)
    InstanceTag.objects.filter(instance__in=instances).delete()
    InstanceTag.objects.bulk_create(
        InstanceTag(instance=instance, name=name)
        for made, instance in zip(stored, instances, strict=True)
        for name in dict.fromkeys(made.remote.tags or made.claim.operation.payload["tags"])
    )


def _filled(made: Made) -> Instance:
    operation, remote, instance = made.claim.operation, made.remote, made.claim.operation.made
    instance.status = InstanceStatus.ACTIVE
    instance.account = operation.organization.account or operation.organization.origin
    instance.remote_id = remote.remote_id
    instance.name = remote.name or instance.name
    _describe(instance, remote)
    instance.settled_at = timezone.now()
    return instance


def _describe(instance: Instance, remote: RemoteInstance) -> None:
    instance.element = remote.element
    instance.configuration = dict(remote.configuration)
    instance.is_valid, instance.is_disabled = remote.is_valid, remote.is_disabled
    instance.has_events, instance.has_caching = remote.has_events, remote.has_caching
    instance.has_trace_logging = remote.has_trace_logging
    instance.remote_created_at = remote.remote_created_at


def refresh(instance: Instance, remote: RemoteInstance) -> bool:
    """
    Store an instance that is here as the platform shows it now; True if its token changed.

    In the caller's transaction. Whoever calls sets the status.
    """
    is_new = _is_another_token(instance, remote)
    if is_new:
        instance.token = vault.seal(instance, "token", remote.token.reveal())
    instance.name = remote.name or instance.name
    _describe(instance, remote)
    if zuora.SANDBOX_ENTRY in remote.configuration:
        instance.environment = zuora.environment(remote.configuration)
    fields = ["environment", *(name for name in FILLED if name not in OWN)]
    instance.save(update_fields=fields if is_new else [one for one in fields if one != "token"])
    # The oldest samples of the platform have no tags: then ours stay known.
    if remote.tags:
        instance.replace_tags(remote.tags)
    return is_new


def _is_another_token(instance: Instance, remote: RemoteInstance) -> bool:
    try:
        kept = vault.open_sealed(instance, "token", purpose=Purpose.COMPARE)
    except vault.UnreadableError:
        return True
    return kept.reveal() != remote.token.reveal()


_evidence = Together(_save_evidence, ANSWERS, patience=0.06)
_instance = Together(_save_instances, ANSWERS, patience=0.12)
