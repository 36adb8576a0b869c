"""What can go wrong with a call, named by what the caller must do next."""

# The platform was not reached, or its answer was lost. (A status of 500 and above says as much.)
FAILURES = frozenset(
    ("dns", "connect", "connect-refused", "tls", "late", "reset", "timeout", "status-408")
)


class CloudElementsError(Exception):
    """
    A call did not lead to a usable answer.

    The text comes from a fixed table; what the platform said is in `platform_message`, cleaned.
    `error_class` is a short fixed word for rows and logs.
    """

    def __init__(
        self,
        error_class: str,
        *,
        status: int | None = None,
        request_id: str = "",
        platform_message: str = "",
        address: str = "",
    ) -> None:
        self.error_class = error_class
        self.status = status
        self.request_id = request_id
        self.platform_message = platform_message
        self.address = address
        # Seconds that the platform asked us to wait before any other call.
        self.retry_after = 0.0
        super().__init__(_sentence(error_class, status))

    @property
    def is_failure(self) -> bool:
        """Whether it speaks of a platform in trouble, rather than of this one request."""
        return self.error_class in FAILURES or (self.status is not None and self.status >= 500)


class NotSentError(CloudElementsError):
    """Nothing left this machine; safe to repeat."""


class MaskedValueError(NotSentError):
    """A mask stood where a secret belongs; sending it would overwrite the real one."""


class RejectedError(CloudElementsError):
    """The platform said no; repeating the same request is pointless."""


class UnauthorizedError(CloudElementsError):
    """401 or 403: somebody's secrets or rights do not suffice."""


class ThrottledError(CloudElementsError):
    """The platform asked to wait `retry_after` seconds; it did not carry out the request."""


class OutcomeUnknownError(CloudElementsError):
    """The request may have been carried out; look before repeating."""


class NotFoundError(CloudElementsError):
    """The platform itself says that there is no such thing (not a proxy, not a wrong address)."""


class UnavailableError(CloudElementsError):
    """A question was not answered; asking again later is safe."""


SENTENCES = {
    "policy": "The address is not on the list of hosts that may be called.",
    "address": "The name leads to an address that must not be called.",
    "dns": "The name of the platform's host could not be resolved.",
    "connect": "The platform could not be reached.",
    "connect-refused": "The platform's host refused the connection.",
    "tls": "The platform's certificate could not be verified.",
    "late": "Time ran out before anything was sent.",
    "masked": "A mask stands where a secret belongs; nothing was sent.",
    "unsendable": "The request cannot be written as HTTP; nothing was sent.",
    "reset": "The connection ended before a whole answer had come.",
    "timeout": "No whole answer came in time.",
    "too-large": "The answer was larger than any that is expected.",
    "garbled": "The answer could not be understood.",
    "unusable": "The answer names no usable instance id and token.",
    "redirected": "The platform answered with a redirect, which is never followed.",
    "unauthorized": "The platform did not accept the secrets, or a right is missing.",
    "not-found": "The platform says that there is no such thing.",
    "rejected": "The platform refused the request.",
    "conflict": "The platform reported a conflict.",
    "pages": "The platform's list does not come to an end.",
    "throttled": "The platform asked to wait.",
}


def _sentence(error_class: str, status: int | None) -> str:
    known = SENTENCES.get(error_class)
    return known or f"The platform answered with status {status}."
