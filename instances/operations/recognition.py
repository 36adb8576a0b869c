"""Know Zuora credentials again by a keyed fingerprint, and notice when the switch is the wrong one."""

import json
from collections.abc import Mapping

from django.contrib.auth.models import User

from instances import access, audit, vault, zuora
from instances.access import Action
from instances.models import (
    CredentialPrint,
    Environment,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
)

Configuration = Mapping[str, str | bool]
OTHER = {
    Environment.SANDBOX: Environment.PRODUCTION,
    Environment.PRODUCTION: Environment.SANDBOX,
}


class OtherEnvironmentError(Exception):
    """These credentials are known from Zuora's other system; `instance` signs in with them there."""

    def __init__(self, instance: Instance, environment: Environment) -> None:
        self.instance, self.environment = instance, environment
        super().__init__(f"The credentials are known from {environment.label.lower()}.")


def remember(operation: Operation, element_key: str, configuration: Configuration) -> None:
    """Keep the fingerprint of what an operation sends, in the caller's transaction."""
    environment = zuora.environment(configuration)
    if prints := _prints(element_key, configuration, environment):
        CredentialPrint.objects.create(operation=operation, fingerprint=prints[0])


def refuse_other_environment(actor: User, element_key: str, configuration: Configuration) -> None:
    """
    Stop what would sign in at Zuora's one system with credentials that are in use at the other.

    Only what the actor's organizations hold is compared, and that it was recognized is recorded:
    nobody can try passwords here unnoticed.

    :raises OtherEnvironmentError: they are known there, and not where they shall be used.
    """
    asked = zuora.environment(configuration)
    if _known(actor, _prints(element_key, configuration, asked)):
        return
    if instance := _known(actor, _prints(element_key, configuration, OTHER[asked])):
        audit.record(actor, "credentials.recognized", instance, asked_for=asked)
        raise OtherEnvironmentError(instance, OTHER[asked])


def _prints(element_key: str, configuration: Configuration, environment: Environment) -> list[str]:
    """Return the fingerprints by every key; none of another element's, or of half a pair."""
    way = zuora.authentication_type(configuration)
    values = [str(configuration.get(key) or "") for key in zuora.REQUIRED.get(way, {})]
    if element_key != zuora.ELEMENT_KEY or not values or not all(values):
        return []
    return vault.fingerprints(json.dumps([environment, way, *values]), "zuora credentials")


def _known(actor: User, prints: list[str]) -> Instance | None:
    """Return an instance that signs in so, by the last word of the platform."""
    if not prints:
        return None
    used = Operation.objects.filter(
        credential_print__fingerprint__in=prints,
        state=OperationState.SUCCEEDED,
        organization__in=access.organizations_for(actor, Action.CREATE),
    )
    there = used.exclude(instance__is_valid=False).exclude(instance__status=InstanceStatus.DELETED)
    operation = there.select_related("instance").order_by("-pk").first()
    return operation.made if operation else None
