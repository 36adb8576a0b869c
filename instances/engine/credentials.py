"""What an operation sends that is kept sealed, and what of it must not come back into a row."""

import json

from instances import element_entries, vault, zuora
from instances.engine.claims import Claim
from instances.models import Element, Operation, OperationSecret
from instances.vault import Purpose

Configuration = dict[str, str | bool]


def opened(claim: Claim) -> Configuration | None:
    """
    Return the configuration to send; None when it was erased.

    :raises UnreadableError: the key ring does not open it.
    """
    try:
        held = claim.operation.secret
    except OperationSecret.DoesNotExist:
        return None
    sealed = vault.open_sealed(held, "sealed", purpose=Purpose.PROVISION)
    configuration: Configuration = json.loads(sealed.reveal())
    return configuration


def secrets(claim: Claim) -> list[str]:
    """Return what `secrets_in` returns of the configuration to send."""
    return secrets_in(claim, opened(claim) or {})


def secrets_in(claim: Claim, configuration: Configuration) -> list[str]:
    """Return what was sent and must not come back into a row, wherever the platform echoes it."""
    public = _public_keys(claim.operation)
    return [
        value
        for key, value in configuration.items()
        if isinstance(value, str) and key not in public
    ]


def _public_keys(operation: Operation) -> frozenset[str]:
    """Return the entries that are no secret: of an element that nobody has read, none."""
    key = operation.payload["element_key"]
    if key == zuora.ELEMENT_KEY:
        return zuora.PUBLIC_ENTRIES
    known = Element.objects.filter(organization=operation.organization_id, element_key=key)
    element = known.first()
    return element_entries.public_keys(element) if element else frozenset()
