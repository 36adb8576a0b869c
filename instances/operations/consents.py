"""Send a person to a provider that asks for consent, and take what they come back with, once."""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import partial

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from instances import audit, oauth, tasks, vault
from instances.models import (
    AuditResult,
    Consent,
    ConsentProtocol,
    Element,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
    erase_credentials,
)
from instances.operations.cancellation import end_canceled
from instances.vault import Purpose

MOST_NAMES = 30
LONGEST = 4000
DENIED = "It was not allowed at {}, so nothing was {}."

Configuration = Mapping[str, str | bool]
Told = Mapping[str, str]


class NoAddressError(Exception):
    """The server does not know its own address, so that no provider could send anybody back."""

    def __init__(self) -> None:
        super().__init__(
            "The server's own address is not set, so no provider could send anybody back: an "
            "administrator sets ELEMENTDESK_ADDRESS."
        )


class NotTheirTurnError(Exception):
    """There is no provider to go to now: not yet, not any more, or it is another person's turn."""


class Return(StrEnum):
    """What became of somebody's return from a provider."""

    GIVEN = "given"
    DENIED = "denied"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    USED = "used"
    LATE = "late"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def prepared(
    organization: Organization, element_key: str, configuration: Configuration
) -> tuple[Configuration, dict[str, str]]:
    """
    Return the configuration to send and what its operation must know, of an OAuth element.

    The callback is always ours; with a refresh token nobody has to consent. Other elements: as it is.

    :raises NoAddressError: ELEMENTDESK_ADDRESS is not set.
    """
    found = Element.objects.filter(organization=organization, element_key=element_key)
    element = found.first()
    if element is None:
        return configuration, {}
    protocol = oauth.protocol_of(element, configuration)
    if not protocol and not oauth.is_refreshed(element, configuration):
        return configuration, {}
    if not (callback := oauth.callback_address()):
        raise NoAddressError
    told = {"consent": protocol} if protocol else {"external_authentication": "initial"}
    return {**configuration, oauth.CALLBACK: callback}, told


def expect(operation: Operation) -> None:
    """Make room for the consent that an operation needs, in the caller's transaction."""
    if protocol := operation.payload.get("consent"):
        Consent.objects.create(operation=operation, protocol=protocol)


def leave(*, actor: User, instance: Instance, session_key: str) -> str:
    """
    Return the provider's address; from now on only this browser session may come back from there.

    :raises NotTheirTurnError: there is none to go to, or the request is another person's.
    """
    mine = Consent.objects.open().filter(
        operation__instance=instance, operation__requester=actor, operation__state="queued"
    )
    consent = mine.exclude(way="").select_related("operation").first()
    if consent is None or not session_key:
        raise NotTheirTurnError
    sealed = vault.open_sealed(consent, "way", purpose=Purpose.CONSENT)
    with transaction.atomic():
        still = Consent.objects.open().filter(pk=consent.pk, state_print=consent.state_print)
        if not still.update(session_print=_session_prints(session_key)[0], left_at=Now()):
            raise NotTheirTurnError
        audit.record(actor, "consent.begun", instance, host=consent.host)
    return str(json.loads(sealed.reveal())["address"])


def take_return(
    *, actor: User | AnonymousUser, session_key: str, told: Told
) -> tuple[Return, Instance | None]:
    """
    Take what a provider sent a person back with; what it proves is kept sealed, once.

    Returns what became of it, and the instance that it is about if the person may know.
    """
    consent = _asked_with(told)
    if consent is None:
        return Return.UNKNOWN, None
    instance = consent.operation.made
    if consent.operation.requester != actor or not _is_from(consent, session_key):
        by = actor if isinstance(actor, User) else None
        audit.record(by, "consent.foreign", instance, result=AuditResult.REFUSED, by="visitor")
        return Return.FOREIGN, None
    with transaction.atomic():
        outcome = _take(consent, told)
        if outcome in (Return.GIVEN, Return.DENIED):
            audit.record(consent.operation.requester, f"consent.{outcome}", instance)
    return outcome, instance


def _asked_with(told: Told) -> Consent | None:
    """Find what was asked for, by our state or by the token that OAuth 1 began with."""
    rows = Consent.objects.select_related("operation__instance", "operation__requester")
    if state := told.get("state"):
        prints = vault.fingerprints(state[:LONGEST], "consent state")
        return rows.filter(state_print__in=prints).first()
    token = told.get("oauth_token") or told.get("denied")
    prints = vault.fingerprints(token[:LONGEST], "request token") if token else []
    return rows.filter(token_print__in=prints).first() if prints else None


def _is_from(consent: Consent, session_key: str) -> bool:
    return bool(session_key) and consent.session_print in _session_prints(session_key)


def _session_prints(session_key: str) -> list[str]:
    return vault.fingerprints(session_key, "consent session")


def _take(consent: Consent, told: Told) -> Return:
    if consent.returned_at is not None:
        return Return.USED
    if not Consent.objects.open().filter(pk=consent.pk).exists():
        return Return.LATE
    if "denied" in told or told.get("error") == "access_denied":
        return Return.DENIED if _end(consent) else Return.LATE
    if told.get("error"):
        return Return.FAILED
    if not _is_whole(consent, told):
        return Return.INCOMPLETE
    return _keep(consent, told)


def _is_whole(consent: Consent, told: Told) -> bool:
    if len(told) > MOST_NAMES or any(len(text) > LONGEST for text in told.values()):
        return False
    if consent.protocol == ConsentProtocol.OAUTH2:
        return bool(told.get("code"))
    is_ours = consent.token_print in vault.fingerprints(
        told.get("oauth_token", ""), "request token"
    )
    return is_ours and bool(told.get("oauth_verifier"))


def _keep(consent: Consent, told: Told) -> Return:
    """Seal what came back, once, and let the worker finish."""
    brought = {name: text for name, text in told.items() if name != "state"}
    sealed = vault.seal(consent, "answer", json.dumps(brought))
    first = Consent.objects.open().filter(pk=consent.pk, state_print=consent.state_print)
    if not first.update(answer=sealed, returned_at=Now()):
        return Return.USED
    if not _free(consent).update(next_run_at=Now(), problem="", message=""):
        transaction.set_rollback(True)
        return Return.LATE
    about = Instance.objects.filter(pk=consent.operation.made.pk)
    is_change = consent.operation.is_change
    shown = InstanceStatus.CHANGING if is_change else InstanceStatus.QUEUED
    about.filter(status=InstanceStatus.BLOCKED).update(status=shown)
    transaction.on_commit(partial(tasks.ring, consent.pk))
    return Return.GIVEN


def _end(consent: Consent) -> bool:
    """End the operation: the person said no at the provider."""
    is_change = consent.operation.is_change
    message = DENIED.format(consent.host, "changed" if is_change else "created")
    if not end_canceled(_free(consent), "denied", message):
        return False
    erase_credentials([consent.operation.pk])
    mine = Consent.objects.filter(pk=consent.pk)
    mine.update(returned_at=Now())
    mine.erase()
    about = Instance.objects.filter(pk=consent.operation.made.pk)
    about.update(status=InstanceStatus.ACTIVE if is_change else InstanceStatus.CANCELED)
    return True


def _free(consent: Consent) -> QuerySet[Operation]:
    """Return the operation while it waits: what a worker holds is queued no more."""
    return Operation.objects.filter(pk=consent.pk, state=OperationState.QUEUED)
