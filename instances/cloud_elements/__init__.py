"""The only package that speaks HTTP to the platform; it knows no models."""

from instances.cloud_elements.audit_logs import AuditLogEntry, audit_logs
from instances.cloud_elements.calling import Credentials
from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.documents import (
    ChangeInstance,
    CreateInstance,
    FoundInstance,
    RemoteInstance,
    UnusableAnswerError,
)
from instances.cloud_elements.errors import (
    CloudElementsError,
    MaskedValueError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.identity import Identity, introduce
from instances.cloud_elements.masks import masked_configuration
from instances.cloud_elements.pulse import NoQuestionError, Pulse, feel
from instances.cloud_elements.usage import UsageEntry, usage_of

__all__ = [
    "AuditLogEntry",
    "ChangeInstance",
    "CloudElementsClient",
    "CloudElementsError",
    "CreateInstance",
    "Credentials",
    "FoundInstance",
    "Identity",
    "MaskedValueError",
    "NoQuestionError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknownError",
    "Pulse",
    "RejectedError",
    "RemoteInstance",
    "ThrottledError",
    "UnauthorizedError",
    "UnavailableError",
    "UnusableAnswerError",
    "UsageEntry",
    "audit_logs",
    "feel",
    "introduce",
    "masked_configuration",
    "usage_of",
]
