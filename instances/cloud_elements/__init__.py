"""The only package that speaks HTTP to the platform; it knows no models."""

from instances.cloud_elements.client import CloudElementsClient, Credentials
from instances.cloud_elements.documents import (
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

__all__ = [
    "CloudElementsClient",
    "CloudElementsError",
    "CreateInstance",
    "Credentials",
    "FoundInstance",
    "MaskedValueError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknownError",
    "RejectedError",
    "RemoteInstance",
    "ThrottledError",
    "UnauthorizedError",
    "UnavailableError",
    "UnusableAnswerError",
]
