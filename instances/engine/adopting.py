"""Make an instance that was found on the platform an instance of ours, on a person's word."""

from django.db import transaction
from django.db.models.functions import Now

from instances import access, audit, vault, zuora
from instances.access import Action
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    NotFoundError,
    RemoteInstance,
)
from instances.engine import accounts, adoption, storing
from instances.engine.claims import Claim
from instances.models import Finding, Instance, OperationState, Verdict


def run(claim: Claim) -> None:
    """Read what the operation names, and store it; safe to run again after a crash."""
    operation = claim.operation
    if not access.can(operation.requester, Action.CREATE, operation.organization):
        _end(claim, "permission", "Its requester may no longer create instances here.")
        return
    try:
        client = claim.client
        _adopt(claim, client)
    except CloudElementsError as error:
        adoption.try_later(claim, error, client)
    except vault.UnreadableError:
        claim.ask_person("unreadable", "The secrets of the organization do not open.")


def _adopt(claim: Claim, client: CloudElementsClient) -> None:
    operation = claim.operation
    claim.renew()
    found_in = operation.finding.account if operation.finding else operation.payload.get("account")
    if found_in and accounts.identify(operation.organization, client) != found_in:
        claim.ask_person("other-account", adoption.OTHER_ACCOUNT)
        return
    try:
        remote = client.get_instance(operation.remote_id or 0)
    except NotFoundError:
        _end(claim, "gone", "The platform says that this instance does not exist any more.")
        return
    _describe(operation.made, remote)
    claim.move(OperationState.CREATED)
    storing.finish(claim, remote)


def _describe(instance: Instance, remote: RemoteInstance) -> None:
    """Take over what a request would have told."""
    key = str(remote.element.get("key") or instance.element_key)[:100]
    said = {name: value or "" for name, value in remote.configuration.items()}
    environment = zuora.environment(said) if key == zuora.ELEMENT_KEY else ""
    Instance.objects.filter(pk=instance.pk).update(element_key=key, environment=environment)


def _end(claim: Claim, problem: str, message: str) -> None:
    operation = claim.operation
    with transaction.atomic():
        claim.move(OperationState.CLAIMED)
        claim.release(
            OperationState.CANCELED, finished_at=Now(), problem=problem, message=message[:600]
        )
        verdict = Verdict.GONE if problem == "gone" else Verdict.OPEN
        Finding.objects.filter(operations=operation).update(verdict=verdict)
        audit.record(None, "instance.canceled", operation.subject, problem=problem)
