"""Make an instance that was seen on the platform ours: evidence first, then the row."""

from collections.abc import Sequence
from contextlib import suppress
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
    UnauthorizedError,
)
from instances.engine import accounts, findings, storing
from instances.engine.claims import Claim
from instances.models import (
    Evidence,
    Finding,
    FindingKind,
    Operation,
    OperationKind,
    OperationState,
    Verdict,
)

logger = structlog.get_logger(__name__)

MAX_ABSENCES = 3
GIVE_UP_SECONDS = 24 * 3600
OTHER_ACCOUNT = "The platform answers for another account than before."
_OTHER_SECRETS = (
    "The organization's secrets changed after the request, and the new ones do not show instance {} "
    "as ours: they may belong to another account."
)


def age_in_seconds(moment: datetime) -> float:
    """Return how long ago `moment` was, by this machine's clock."""
    return (timezone.now() - moment).total_seconds()


def adopt(
    claim: Claim, seen: Sequence[Evidence], *, client: CloudElementsClient, secrets: Sequence[str]
) -> None:
    """Read the instance that evidence names, and finish with it; several take a person."""
    if len(seen) == 1:
        _adopt_seen(claim, seen[0], client, secrets)
        return
    try:
        for row in seen:
            _note(claim, row, client)
    except CloudElementsError as error:
        try_later(claim, error, client)
        return
    ids = ", ".join(str(row.remote_id) for row in seen)
    claim.ask_person(
        "several",
        f"Instances {ids} of the platform were all seen with this tag.",
        looks=F("looks") + 1,
        last_looked_at=Now(),
    )


def _note(claim: Claim, seen: Evidence, client: CloudElementsClient) -> None:
    """Write down one of several, and whether it is still there."""
    finding = findings.record(
        claim.operation.organization,
        FindingKind.SEVERAL,
        _told_by(seen, claim),
        operation=claim.operation,
    )
    claim.renew()
    try:
        client.get_instance(seen.remote_id)
    except NotFoundError:
        undecided = Finding.objects.open().filter(pk=finding.pk)
        undecided.update(verdict=Verdict.GONE)


def _adopt_seen(
    claim: Claim, seen: Evidence, client: CloudElementsClient, secrets: Sequence[str]
) -> None:
    organization = claim.operation.organization
    is_same_pair = seen.attempt.secrets_version == organization.secrets_version
    claim.renew()
    try:
        accounts.learn_account(organization, client)
        remote = client.get_instance(seen.remote_id, secrets=secrets)
        # In another account the same number may be anybody's; our tag is nobody else's.
        is_it = is_same_pair or claim.operation.tag in remote.tags
    except NotFoundError:
        if is_same_pair:
            _absent(claim, seen)
            return
        is_it = False
    except CloudElementsError as error:
        try_later(claim, error, client)
        return
    if not is_it:
        claim.ask_person("other-secrets", _OTHER_SECRETS.format(seen.remote_id))
        return
    claim.move(OperationState.CREATED)
    storing.finish(claim, remote)
    findings.settle_known(organization)


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
        if not _is_where_it_was_found(operation, client):
            claim.ask_person("other-account", OTHER_ACCOUNT)
            return
        remote = client.get_instance(operation.remote_id or 0, secrets=secrets)
        if operation.tag not in remote.tags:
            remote = replace(remote, tags=(*remote.tags, operation.tag))
            client.replace_tags(remote.remote_id, remote.tags)
    except NotFoundError:
        claim.ask_person("gone", f"Instance {operation.remote_id} does not exist any more.")
    except CloudElementsError as error:
        try_later(claim, error, client)
    else:
        if attempt := claim.last_attempt():
            storing.record_sighting(claim, attempt, remote)
        claim.move(OperationState.CREATED)
        storing.finish(claim, remote)


def _is_where_it_was_found(operation: Operation, client: CloudElementsClient) -> bool:
    account = accounts.identify(operation.organization, client)
    return operation.findings.filter(account=account, remote_id=operation.remote_id or 0).exists()


def try_later(claim: Claim, error: CloudElementsError, client: CloudElementsClient) -> None:
    """
    Read it again after a pause that grows, for a day; 401 and 403 are looked into before.

    :raises HeldBackError: the organization's calls are held back since it was claimed.
    """
    operation = claim.operation
    if isinstance(error, UnauthorizedError):
        claim.renew()
        with suppress(CloudElementsError):
            accounts.are_refused(operation.organization, client)
    age = age_in_seconds(_since(claim))
    if age > GIVE_UP_SECONDS:
        claim.ask_person("unread", f"It could not be read for a day. {error}")
        return
    pauses = settings.ENGINE["LOOK_PAUSES"]
    is_waiting = operation.kind == OperationKind.ADOPT and operation.state == OperationState.CLAIMED
    claim.release(
        OperationState.QUEUED if is_waiting else OperationState.CREATED,
        after=max(min(max(pauses[0], age / 4), pauses[-1]), error.retry_after),
        problem=error.error_class,
        message=str(error),
        claims=0,
    )


def _since(claim: Claim) -> datetime:
    attempt = claim.last_attempt()
    ended = attempt.ended_at if attempt else None
    return claim.operation.decided_at or ended or claim.operation.created_at


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
