"""Make an instance that was seen on the platform ours: evidence first, then the row."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    FoundInstance,
    NotFoundError,
)
from instances.engine import findings, storing
from instances.engine.claims import Claim
from instances.models import (
    Evidence,
    FindingKind,
    OperationState,
)

logger = structlog.get_logger(__name__)

MAX_ABSENCES = 3


def age_in_seconds(moment: datetime) -> float:
    """Return how long ago `moment` was, by this machine's clock."""
    return (timezone.now() - moment).total_seconds()


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
        claim.move(OperationState.CREATED)
        storing.finish(claim, remote)


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
            storing.record_sighting(claim, attempt, remote)
        claim.move(OperationState.CREATED)
        storing.finish(claim, remote)


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
