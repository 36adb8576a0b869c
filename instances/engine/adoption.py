"""Make an instance that was seen on the platform ours: evidence first, then the row."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from instances import audit, vault
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    FoundInstance,
    NotFoundError,
    RemoteInstance,
)
from instances.crash_points import reach
from instances.engine import findings
from instances.engine.claims import Claim, close_attempt
from instances.models import (
    Attempt,
    AttemptOutcome,
    Evidence,
    EvidenceKind,
    FindingKind,
    Instance,
    InstanceStatus,
    OperationSecret,
    OperationState,
)

logger = structlog.get_logger(__name__)

MAX_ABSENCES = 3


def age_in_seconds(moment: datetime) -> float:
    """Return how long ago `moment` was, by this machine's clock."""
    return (timezone.now() - moment).total_seconds()


def record_answer(claim: Claim, attempt: Attempt, remote: RemoteInstance) -> None:
    """Save id and token in the smallest transaction there is, whoever holds the lease."""
    _insist(lambda: _save_evidence(claim, attempt, remote, EvidenceKind.ANSWER))


def record_sighting(claim: Claim, attempt: Attempt, remote: RemoteInstance) -> None:
    """Save that an instance with our tag was seen in the platform's list."""
    _insist(lambda: _save_evidence(claim, attempt, remote, EvidenceKind.LISTING))


def _save_evidence(
    claim: Claim, attempt: Attempt, remote: RemoteInstance, kind: EvidenceKind
) -> None:
    seen = Evidence(attempt=attempt, kind=kind, remote_id=remote.remote_id, worker=attempt.worker)
    seen.token = vault.seal(seen, "token", remote.token.reveal())
    with transaction.atomic():
        Evidence.objects.bulk_create([seen], ignore_conflicts=True)
        close_attempt(attempt, AttemptOutcome.SUCCEEDED, **_answered(remote, kind))
        # Without the lease this changes nothing, and its holder finds the evidence.
        claim.operation.move(OperationState.CREATED, epoch=claim.epoch)


def _answered(remote: RemoteInstance, kind: EvidenceKind) -> dict[str, int | str | None]:
    """What the attempt's own answer told; found by its tag, there was none."""
    if kind != EvidenceKind.ANSWER:
        return {}
    return {"http_status": remote.http_status, "request_id": remote.request_id}


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
            connection.close()
            time.sleep(1)
        else:
            return


def finish(claim: Claim, remote: RemoteInstance) -> None:
    """
    Make the instance active, and erase the provider's credentials, in one transaction.

    :raises LeaseLostError: another worker holds the operation; it finds the evidence.
    """
    try:
        with transaction.atomic():
            _fill(claim, remote)
            reach("finishing")
            claim.release(OperationState.SUCCEEDED, finished_at=Now(), problem="", message="")
            OperationSecret.objects.filter(operation=claim.operation).delete()
            audit.record(
                None, "instance.created", claim.operation.subject, remote_id=remote.remote_id
            )
    except IntegrityError:
        claim.ask_person(
            "known",
            f"Instance {remote.remote_id} of the platform is already here under another name.",
        )


def _fill(claim: Claim, remote: RemoteInstance) -> None:
    operation = claim.operation
    instance = Instance.objects.get(pk=operation.made.pk)
    instance.status = InstanceStatus.ACTIVE
    instance.account = operation.organization.account or operation.organization.origin
    instance.remote_id = remote.remote_id
    instance.token = vault.seal(instance, "token", remote.token.reveal())
    instance.name = remote.name or instance.name
    instance.element = remote.element
    instance.configuration = dict(remote.configuration)
    instance.is_valid, instance.is_disabled = remote.is_valid, remote.is_disabled
    instance.has_events, instance.has_caching = remote.has_events, remote.has_caching
    instance.has_trace_logging = remote.has_trace_logging
    instance.remote_created_at = remote.remote_created_at
    instance.settled_at = timezone.now()
    instance.save()
    instance.replace_tags(remote.tags or operation.payload["tags"])


def adopt(
    claim: Claim, seen: Sequence[Evidence], *, client: CloudElementsClient, secrets: Sequence[str]
) -> None:
    """Read the instance that evidence names, and finish with it; several take a person."""
    if len(seen) > 1:
        for row in seen:
            findings.note(claim.operation, FindingKind.SEVERAL, [_told_by(row, claim)])
        ids = ", ".join(str(row.remote_id) for row in seen)
        claim.ask_person(
            "several",
            f"Instances {ids} of the platform all carry this tag.",
            looks=F("looks") + 1,
            last_looked_at=Now(),
        )
        return
    claim.renew()
    try:
        remote = client.get_instance(seen[0].remote_id, secrets=secrets)
    except NotFoundError:
        _absent(claim, seen[0])
    except CloudElementsError as error:
        pause = settings.ENGINE["LOOK_PAUSES"][0]
        claim.release(OperationState.CREATED, after=pause, message=str(error), claims=0)
    else:
        claim.operation.move(OperationState.CREATED, epoch=claim.epoch)
        finish(claim, remote)


def _told_by(seen: Evidence, claim: Claim) -> FoundInstance:
    """Return what an answer told, which is less than a list tells."""
    payload, tag = claim.operation.payload, claim.operation.tag
    return FoundInstance(
        remote_id=seen.remote_id,
        token=None,
        name=payload["name"],
        element_key=payload["element_key"],
        tags=(tag,),
        remote_created_at=None,
    )


def adopt_chosen(claim: Claim, *, client: CloudElementsClient, secrets: Sequence[str]) -> None:
    """Finish with the instance that a person chose, giving it our tag if it lacks it."""
    operation = claim.operation
    claim.renew()
    try:
        remote = client.get_instance(operation.remote_id or 0, secrets=secrets)
        if operation.tag not in remote.tags:
            remote = replace(remote, tags=(*remote.tags, operation.tag))
            client.replace_tags(remote.remote_id, remote.tags)
    except NotFoundError:
        claim.ask_person("gone", f"Instance {operation.remote_id} does not exist any more.")
    except CloudElementsError as error:
        pause = settings.ENGINE["LOOK_PAUSES"][0]
        claim.release(OperationState.CREATED, after=pause, message=str(error), claims=0)
    else:
        if attempt := claim.last_attempt():
            record_sighting(claim, attempt, remote)
        claim.move(OperationState.CREATED)
        finish(claim, remote)


def _absent(claim: Claim, seen: Evidence) -> None:
    looks = claim.operation.looks + 1
    if looks >= MAX_ABSENCES:
        claim.ask_person(
            "gone",
            f"The platform created instance {seen.remote_id} and now says that it does not exist.",
        )
        return
    pause = settings.ENGINE["LOOK_PAUSES"][0]
    claim.release(OperationState.CREATED, after=pause, looks=looks, claims=0)
