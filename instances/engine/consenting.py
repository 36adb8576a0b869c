"""Have a person consent at the provider: ask for the way there, wait, and hand over what came back."""

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from instances import oauth, vault
from instances.cloud_elements import CloudElementsClient, CloudElementsError
from instances.cloud_elements.oauth import (
    AddressRefusedError,
    Application,
    RequestToken,
    consent_address,
    host_of,
    request_token,
)
from instances.crash_points import reach
from instances.engine.claims import Claim
from instances.models import (
    Consent,
    ConsentProtocol,
    Instance,
    InstanceStatus,
    OperationState,
    database_now,
)
from instances.vault import Purpose

# What a platform answers that knows the element or the application for certain not to be so.
REFUSALS = (400, 404, 405, 422)
ABANDONED = "Nobody came back from {} in time, so it has ended. Nothing was {}."
SPENT = (
    "{} The code that it carried works only once, so the provider has to be asked again: allow it "
    "once more, or take the request back."
)
EARLIER = {
    False: "An earlier request created nothing.",
    True: "An earlier request may have changed nothing.",
}
NO_WAY = "The platform does not say where to consent: {}"

Configuration = Mapping[str, str | bool]
Given = Mapping[str, str]


class AbandonedError(Exception):
    """Nobody came back from the provider in time; the message says so."""


class NoWayError(Exception):
    """The platform will not say where to consent, or says something that leads nowhere safe."""


def given(claim: Claim, client: CloudElementsClient, configuration: Configuration) -> Given | None:
    """
    Return what a person brought back from the provider; {} where nobody has to go there.

    None if the operation waits for the person instead.

    :raises AbandonedError: nobody came in time.
    :raises CloudElementsError: the platform was not asked; nothing has changed.
    :raises NoWayError: it says no; the message tells why.
    """
    if not claim.operation.payload.get("consent"):
        return {}
    consent = Consent.objects.get(operation=claim.operation)
    consent.operation = claim.operation
    if consent.answer:
        return _opened(consent)
    if consent.way and consent.returned_at is None:
        _wait_or_end(claim, consent)
    else:
        _show_the_way(claim, client, consent, configuration)
    return None


def spend(claim: Claim, brought: Given) -> None:
    """Forget the code before its request leaves: it works once, so nothing may send it again."""
    if brought:
        Consent.objects.filter(operation=claim.operation).erase()
        reach("code erased")


def put_back(claim: Claim, brought: Given) -> None:
    """Keep what was not sent after all, if the operation is still held."""
    if not brought:
        return
    consent = Consent(operation=claim.operation)
    sealed = vault.seal(consent, "answer", json.dumps(dict(brought)))
    mine = Consent.objects.filter(operation__pk=claim.operation.pk)
    mine.filter(operation__lease_epoch=claim.epoch).update(answer=sealed)


def _opened(consent: Consent) -> Given:
    brought: dict[str, str] = json.loads(_open(consent, "answer"))
    if consent.protocol == ConsentProtocol.OAUTH1 and "secret" not in brought:
        brought["secret"] = json.loads(_open(consent, "way"))["secret"]
    return brought


def _open(consent: Consent, name: str) -> str:
    return vault.open_sealed(consent, name, purpose=Purpose.CONSENT).reveal()


def _wait_or_end(claim: Claim, consent: Consent) -> None:
    now = database_now()
    left = ((consent.expires_at or now) - now).total_seconds()
    if left > 0:
        _wait(claim, left)
        return
    done = "changed" if claim.operation.is_change else "created"
    raise AbandonedError(ABANDONED.format(consent.host, done))


def _wait(claim: Claim, seconds: float, **changes: object) -> None:
    """Let the person have the time; whatever ends it earlier makes the operation due."""
    with transaction.atomic():
        claim.release(OperationState.QUEUED, after=seconds, claims=0, **changes)
        waiting = Instance.objects.filter(pk=claim.operation.made.pk)
        waiting.update(status=InstanceStatus.BLOCKED)


def _show_the_way(
    claim: Claim, client: CloudElementsClient, consent: Consent, configuration: Configuration
) -> None:
    state, token = secrets.token_urlsafe(32), None
    try:
        if consent.protocol == ConsentProtocol.OAUTH1:
            token = _request_token(claim, client, configuration)
        address = _address(claim, client, configuration, state, token)
    except AddressRefusedError as error:
        raise NoWayError(str(error)) from error
    except CloudElementsError as error:
        if error.status not in REFUSALS:
            raise
        raise NoWayError(NO_WAY.format(error.platform_message or str(error))) from error
    _store_the_way(claim, consent, address, state, token)


def _request_token(
    claim: Claim, client: CloudElementsClient, configuration: Configuration
) -> RequestToken:
    claim.renew()
    return request_token(client, claim.operation.made.element_key, _application(configuration))


def _address(
    claim: Claim,
    client: CloudElementsClient,
    configuration: Configuration,
    state: str,
    token: RequestToken | None,
) -> str:
    claim.renew()
    return consent_address(
        client,
        claim.operation.made.element_key,
        _application(configuration),
        state=state,
        token=token,
        allows_http=claim.operation.organization.origin.startswith("http://"),
    )


def _application(configuration: Configuration) -> Application:
    texts = {key: str(value) for key, value in configuration.items()}
    return Application(
        key=texts.get(oauth.KEY, ""),
        secret=texts.get(oauth.SECRET, ""),
        callback=texts.get(oauth.CALLBACK, ""),
        scope=oauth.first_of(configuration, oauth.SCOPES),
        site_address=oauth.first_of(configuration, oauth.SITES),
    )


def _store_the_way(
    claim: Claim, consent: Consent, address: str, state: str, token: RequestToken | None
) -> None:
    seconds = settings.OAUTH["CONSENT_SECONDS"]
    way = {"address": address, "secret": token.secret if token else ""}
    is_again = consent.rounds > 0
    told = {"problem": "spent" if is_again else "", "message": ""}
    if is_again:
        told["message"] = SPENT.format(EARLIER[claim.operation.is_change])
    with transaction.atomic():
        Consent.objects.filter(pk=consent.pk).update(
            way=vault.seal(consent, "way", json.dumps(way)),
            host=host_of(address),
            state_print=vault.fingerprint(state, "consent state"),
            token_print=vault.fingerprint(token.token, "request token") if token else "",
            session_print="",
            rounds=F("rounds") + 1,
            left_at=None,
            returned_at=None,
            expires_at=Now() + timedelta(seconds=seconds),
        )
        _wait(claim, seconds, **told)
