"""What an answer that is not 2xx means, and what of it may be told."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from instances.cloud_elements import masks
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.errors import (
    CloudElementsError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.json_text import clean_text, parse_json

MAX_RETRY_AFTER = 3600.0
QUICK = 2.0
# A definite no to a request that creates; everything not listed may have been carried out.
# (406 is no such no: a server may find that it cannot write its answer after doing the work.)
DEFINITE_NO = (400, 405, 413, 415, 422)

Named = TypeVar("Named", bound=CloudElementsError)


def document_of(answer: Answer, *, whole: bool = False) -> object:
    """Return the answer's document, None if it holds none (or too much, if it must be `whole`)."""
    try:
        return parse_json(answer.body, whole=whole)
    except ValueError:
        return None


def refusal(answer: Answer, is_question: bool, secrets: Sequence[str]) -> CloudElementsError:
    """Return the error that tells the caller what to do about `answer`."""
    error = _named(answer, is_question, secrets)
    error.retry_after = (_retry_after(answer) or 0.0) if answer.status in (429, 503) else 0.0
    return error


def _named(answer: Answer, is_question: bool, secrets: Sequence[str]) -> CloudElementsError:
    shape, status = _error_shape(answer), answer.status
    if status in (401, 403):
        return error_from(UnauthorizedError, "unauthorized", answer, shape, secrets)
    if is_question:
        if status == 404 and shape:
            return error_from(NotFoundError, "not-found", answer, shape, secrets)
        return error_from(UnavailableError, _status_class(status), answer, shape, secrets)
    if status in DEFINITE_NO or (status == 404 and shape):
        return error_from(RejectedError, "rejected", answer, shape, secrets)
    if status == 429 and _retry_after(answer) is not None and answer.seconds < QUICK:
        return error_from(ThrottledError, "throttled", answer, shape, secrets)
    return error_from(OutcomeUnknownError, _status_class(status), answer, shape, secrets)


def _status_class(status: int) -> str:
    if 300 <= status < 400:
        return "redirected"
    return "conflict" if status == 409 else f"status-{status}"


def _error_shape(answer: Answer) -> dict[str, Any]:
    """Return the platform's own error document, `{"requestId", "message"}`, or nothing."""
    document = document_of(answer)
    if not isinstance(document, dict):
        return {}
    is_theirs = all(isinstance(document.get(key), str) for key in ("requestId", "message"))
    return document if is_theirs else {}


def error_from(
    family: type[Named],
    error_class: str,
    answer: Answer,
    shape: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> Named:
    said = shape or {}
    texts = [str(said.get(key) or "") for key in ("message", "providerMessage")]
    # Masked before it is cleaned, which may change a secret, and before it is cut.
    message = masks.without(" ".join(text for text in texts if text), secrets)
    request_id = answer.headers.get("elements-request-id") or str(said.get("requestId") or "")
    return family(
        error_class,
        status=answer.status,
        request_id=clean_text(masks.without(request_id, secrets), 60),
        platform_message=clean_text(message, 200),
        address=answer.address,
    )


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds to wait, at most an hour, from a number or a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER)
