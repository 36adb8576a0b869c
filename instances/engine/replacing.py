"""New secrets take the place of the old ones only when the platform has accepted them."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from instances import access, audit, vault
from instances.access import Action
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    Credentials,
    Identity,
    UnauthorizedError,
    introduce,
)
from instances.engine import accounts, calls
from instances.engine.claims import lease
from instances.models import (
    Candidate,
    CandidateState,
    Notice,
    NoticeKind,
    Operation,
    OperationState,
    Organization,
    database_now,
    key_of,
    notice_of_organization,
)
from instances.vault import Purpose

logger = structlog.get_logger(__name__)

# Between two tries while the platform does not answer, doubling up to the longest pause.
PAUSE_SECONDS, MOST_SECONDS = 15.0, 900.0
REFUSED = "The platform does not accept them."
NO_RIGHT = "Whoever entered them may not administer the organization any more."
UNREADABLE = "They do not open with the present keys any more."


def run() -> None:
    """Ask the platform about each new pair that is due; one worker asks about each."""
    waiting = Candidate.objects.filter(
        state=CandidateState.WAITING, due_at__lte=Now(), organization__is_active=True
    )
    for pk in waiting.values_list("pk", flat=True):
        if waiting.filter(pk=pk).update(due_at=Now() + lease()):
            check(Candidate.objects.select_related("organization", "asked_by").get(pk=pk))


def check(candidate: Candidate) -> None:
    """Ask whose the new secrets are, with them alone; the old ones and their breaker are not touched."""
    if not _may(candidate.asked_by, candidate.organization):
        refuse(candidate, NO_RIGHT)
        return
    try:
        identity = introduce(_client(candidate))
    except vault.UnreadableError:
        refuse(candidate, UNREADABLE)
    except UnauthorizedError:
        refuse(candidate, REFUSED)
    except CloudElementsError as error:
        _put_off(candidate, error)
    else:
        _decide(candidate, identity)


def _may(asker: User | None, organization: Organization) -> bool:
    if asker is None or not asker.is_active:
        return False
    is_admin = access.can(asker, Action.ADMINISTER, organization)
    # Who changes organizations in Django admin needs no role in them.
    return is_admin or asker.has_perm("instances.change_organization")


def _client(candidate: Candidate) -> CloudElementsClient:
    user, organization = (
        vault.open_sealed(candidate, name, purpose=Purpose.CALL) for name in Candidate.sealed_fields
    )
    return CloudElementsClient(
        candidate.base_url,
        Credentials(user_secret=user, organization_secret=organization),
        ca_bundle=settings.EGRESS["CA_BUNDLE"],
        seconds=settings.ENGINE["CALL_SECONDS"],
        during=calls.one,
    )


def refuse(candidate: Candidate, reason: str) -> None:
    """Erase what is not accepted, and say so; the old secrets go on being used."""
    with transaction.atomic():
        refused = _same(candidate).update(
            state=CandidateState.REFUSED, user_secret="", organization_secret="", message=reason
        )
        if refused:
            audit.record(None, "secrets.refused", candidate.organization, reason=reason)
            _tell(candidate.organization, NoticeKind.SECRETS_REFUSED, "candidate", candidate.key)


def _put_off(candidate: Candidate, error: CloudElementsError) -> None:
    pause = min(PAUSE_SECONDS * 2 ** min(candidate.tries, 10), MOST_SECONDS)
    _same(candidate).update(
        tries=candidate.tries + 1,
        message=str(error)[:300],
        due_at=Now() + timedelta(seconds=max(pause, error.retry_after)),
    )


def _decide(candidate: Candidate, identity: Identity) -> None:
    """Let them take their place if they open the same account, or another one that was confirmed."""
    account = accounts.account_named(candidate.sealing_context, identity.organization_id)
    known = candidate.organization.account
    if known in ("", account) or account == candidate.confirmed_account:
        replace(candidate, identity, account)
        return
    with transaction.atomic():
        told = _same(candidate).update(
            state=CandidateState.OTHER_ACCOUNT,
            account=account,
            account_name=identity.organization,
            person=identity.person,
            message="",
        )
        if told:
            audit.record(None, "secrets.other_account", candidate.organization, account=account)


def replace(candidate: Candidate, identity: Identity, account: str) -> None:
    """Put the new pair in the place of the old one, and let what waited go on, in one transaction."""
    with transaction.atomic():
        row = Organization.objects.select_for_update().get(pk=candidate.organization_id)
        # Other ones may have been entered, or these taken back, while the platform was asked.
        if not _same(candidate).delete()[0]:
            return
        was_refused = row.is_refused
        _take_over(row, candidate)
        row.account, row.account_name, row.person = account, identity.organization, identity.person
        row.save()
        unblock(row)
        audit.record(
            candidate.asked_by,
            "organization.secrets_replaced",
            row,
            account=account,
            base_url=row.base_url,
        )
        if was_refused:
            _tell(row, NoticeKind.RECOVERED, "secrets", row.secrets_version)
    logger.info("secrets replaced", organization=str(row.pk))


def _tell(organization: Organization, kind: NoticeKind, about: str, which: UUID | int) -> None:
    """Write down, in the caller's transaction, what its admins are told of these secrets."""
    key = key_of(about, kind, organization.pk, which)
    Notice.objects.note(notice_of_organization(organization, kind, key, about=about))


def _take_over(row: Organization, candidate: Candidate) -> None:
    pair = {
        name: vault.open_sealed(candidate, name, purpose=Purpose.RESEAL).reveal()
        for name in Candidate.sealed_fields
    }
    row.base_url = candidate.base_url
    row.secrets_version += 1
    for name, plaintext in pair.items():
        setattr(row, name, vault.seal(row, name, plaintext))
    row.secrets_set_at = row.verified_at = database_now()
    row.secrets_refused_at = None


def unblock(organization: Organization) -> None:
    """Put work that waited for other secrets back into the queue."""
    waiting = Operation.objects.filter(organization=organization, state=OperationState.BLOCKED)
    for operation in waiting:
        operation.move(
            OperationState.QUEUED,
            epoch=operation.lease_epoch,
            next_run_at=Now(),
            problem="",
            message="",
        )


def _same(candidate: Candidate) -> QuerySet[Candidate]:
    return Candidate.objects.filter(
        pk=candidate.pk, key=candidate.key, state=CandidateState.WAITING
    )
