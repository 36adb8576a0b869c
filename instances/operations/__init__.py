"""What a person can ask for: check the right, record the wish with its audit, ring the doorbell."""

from instances.operations.creation import MissingEntriesError, request_instance, request_look
from instances.operations.organizations import (
    SecretPair,
    SecretsNeededError,
    apply_organization_change,
    change_organization,
    create_organization,
)
from instances.operations.sharing import remove_share, share_instance
from instances.operations.tokens import NoTokenError, reveal_token

__all__ = [
    "MissingEntriesError",
    "NoTokenError",
    "SecretPair",
    "SecretsNeededError",
    "apply_organization_change",
    "change_organization",
    "create_organization",
    "remove_share",
    "request_instance",
    "request_look",
    "reveal_token",
    "share_instance",
]
