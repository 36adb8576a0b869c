"""The platform's API as we use it: every failure comes out as one named error."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar

import requests

from instances.cloud_elements import masks, resolution
from instances.cloud_elements.documents import (
    CreateInstance,
    FoundInstance,
    RemoteInstance,
    UnusableAnswerError,
)
from instances.cloud_elements.egress import Answer, AnswerLostError, Door
from instances.cloud_elements.errors import (
    CloudElementsError,
    MaskedValueError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.json_text import clean_text, parse_json
from instances.secret import Secret

ONE_DOCUMENT = 2 * 2**20
ONE_PAGE = 16 * 2**20
MAX_PAGES = 500
MAX_RETRY_AFTER = 3600.0
QUICK = 2.0
# A definite no to a request that creates; everything not listed may have been carried out.
DEFINITE_NO = (400, 405, 406, 413, 415, 422)


Named = TypeVar("Named", bound=CloudElementsError)


@dataclass(frozen=True)
class Credentials:
    """The two account-wide secrets of an organization."""

    user_secret: Secret
    organization_secret: Secret

    def header(self) -> str:
        """Return the value of the Authorization header for platform calls."""
        user, organization = self.user_secret.reveal(), self.organization_secret.reveal()
        return f"User {user}, Organization {organization}"

    def values(self) -> list[str]:
        """Return both, so that an echo of them can be masked."""
        return [self.user_secret.reveal(), self.organization_secret.reveal()]


class CloudElementsClient:
    """Calls for one organization; makes a connection for each call and keeps none."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        ca_bundle: str = "",
        seconds: float = 90.0,
        resolve: resolution.Resolve = resolution.resolve_with_system,
    ) -> None:
        self._base_url = base_url
        self._credentials = credentials
        self._door = Door(ca_bundle, seconds, resolve)

    def create_instance(
        self,
        request: CreateInstance,
        *,
        secrets: Sequence[str] = (),
        before_send: Callable[[str], None] | None = None,
    ) -> RemoteInstance:
        """
        Create an instance (POST /instances, the guide "Create Instance").

        `secrets` are masked wherever the answer echoes them; error texts hold nothing typed.

        `before_send` gets the connected address when everything but the request has happened.

        :raises NotSentError: nothing left this machine; safe to repeat.
        :raises RejectedError: the platform said no; repeating is pointless.
        :raises UnauthorizedError: secrets or rights do not suffice, ours or the provider's.
        :raises ThrottledError: the platform asked to wait.
        :raises OutcomeUnknownError: it may have been created; look before repeating.
        """
        answer = self._call(
            "POST",
            "/instances",
            document=request.as_json(),
            secrets=request.typed_values(),
            hook=before_send,
        )
        try:
            return RemoteInstance.parse(_document(answer), secrets)
        except ValueError:
            raise _error(OutcomeUnknownError, "unusable", answer) from None

    def get_instance(self, remote_id: int, *, secrets: Sequence[str] = ()) -> RemoteInstance:
        """
        Read one instance (GET /instances/{id}); `secrets` are masked wherever they appear.

        :raises NotFoundError: the platform says that it does not exist.
        :raises CloudElementsError: not answered, refused, or not usable.
        """
        answer = self._call("GET", f"/instances/{remote_id}", secrets=secrets)
        try:
            remote = RemoteInstance.parse(_document(answer), secrets)
        except ValueError:
            raise _error(UnavailableError, "unusable", answer) from None
        if remote.remote_id != remote_id:
            raise _error(UnavailableError, "unusable", answer)
        return remote

    def find_instances(self, *, tag: str = "", search_text: str = "") -> list[FoundInstance]:
        """
        List instances by tag or by text, through all pages; without either, all of them.

        The platform answers 404 with its own error shape for an empty list (churros suite); only
        that is taken for empty. A filter may be ignored: callers compare for themselves.

        :raises CloudElementsError: not answered, refused, or not a list.
        """
        filters = {"tags[]": tag} if tag else {}
        filters |= {"searchText": search_text} if search_text else {}
        return [found for page in self._pages(filters) for found in page]

    def identify(self) -> str:
        """
        Return the platform's id of the account that the secrets open, "" if it may not be read.

        The answer holds the organization secret (churros suite): it is not kept.

        :raises UnauthorizedError: the secrets are not accepted (401).
        :raises CloudElementsError: not answered.
        """
        try:
            document = _document(self._call("GET", "/organizations/me"))
        except UnauthorizedError as error:
            if error.status == 401:
                raise
            return ""
        except NotFoundError:
            return ""
        except ValueError:
            raise UnavailableError("garbled") from None
        identity = document.get("id") if isinstance(document, dict) else None
        return clean_text(str(identity), 100) if identity is not None else ""

    def _pages(self, filters: Mapping[str, str]) -> Iterator[list[FoundInstance]]:
        token, seen = "", set()
        for _page in range(MAX_PAGES):
            query = {**filters, "hydrate": "false", **({"nextPage": token} if token else {})}
            try:
                answer = self._call("GET", "/instances", query=query, limit=ONE_PAGE)
            except NotFoundError:
                return
            yield _found(answer)
            token = answer.headers.get("elements-next-page-token", "")
            if not token:
                return
            if token in seen:
                raise _error(UnavailableError, "garbled", answer)
            seen.add(token)
        raise UnavailableError("too-large")

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
        secrets: Sequence[str] = (),
        limit: int = ONE_DOCUMENT,
        hook: Callable[[str], None] | None = None,
    ) -> Answer:
        """Make one call and return its 2xx answer; everything else becomes a named error."""
        if document is not None and masks.holds_mask(document.get("configuration", {})):
            raise MaskedValueError("masked")
        is_question = method == "GET"
        request = self._request(method, path, query, document)
        try:
            answer = self._door.call(request, limit=limit, before_send=hook)
        except AnswerLostError as lost:
            family = UnavailableError if is_question else OutcomeUnknownError
            raise family(lost.error_class) from None
        if not 200 <= answer.status < 300:
            _refuse(answer, is_question, [*secrets, *self._credentials.values()])
        return answer

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        document: Mapping[str, Any] | None,
    ) -> requests.Request:
        headers = {
            "Authorization": self._credentials.header(),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "Elementdesk",
            "Connection": "close",
        }
        body = None
        if document is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(document).encode()
        url = f"{self._base_url}{path}"
        return requests.Request(method, url, headers=headers, params=query, data=body)


def _document(answer: Answer) -> object:
    return parse_json(answer.body)


def _found(answer: Answer) -> list[FoundInstance]:
    try:
        listed = _document(answer)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise _error(UnavailableError, "garbled", answer)
    found = []
    for document in listed:
        try:
            found.append(FoundInstance.parse(document))
        except UnusableAnswerError:
            # One odd line must not hide the others; ours has a number that the platform gave.
            continue
    return found


def _refuse(answer: Answer, is_question: bool, secrets: Sequence[str]) -> NoReturn:
    """Raise the error that tells the caller what to do about an answer that is not 2xx."""
    shape = _error_shape(answer)
    status = answer.status
    if status in (401, 403):
        raise _error(UnauthorizedError, "unauthorized", answer, shape, secrets)
    if is_question:
        if status == 404 and shape:
            raise _error(NotFoundError, "not-found", answer, shape, secrets)
        raise _error(UnavailableError, _status_class(status), answer, shape, secrets)
    if status in DEFINITE_NO or (status == 404 and shape):
        raise _error(RejectedError, "rejected", answer, shape, secrets)
    wait = _retry_after(answer)
    if status == 429 and wait is not None and answer.seconds < QUICK:
        throttled = _error(ThrottledError, "throttled", answer, shape, secrets)
        throttled.retry_after = wait
        raise throttled
    raise _error(OutcomeUnknownError, _status_class(status), answer, shape, secrets)


def _status_class(status: int) -> str:
    return "redirected" if 300 <= status < 400 else f"status-{status}"


def _error_shape(answer: Answer) -> dict[str, Any]:
    """Return the platform's own error document, `{"requestId", "message"}`, or nothing."""
    try:
        document = _document(answer)
    except ValueError:
        return {}
    is_ours = isinstance(document, dict) and isinstance(document.get("message"), str)
    return document if isinstance(document, dict) and is_ours and "requestId" in document else {}


def _error(
    family: type[Named],
    error_class: str,
    answer: Answer,
    shape: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> Named:
    said = shape or {}
    texts = [clean_text(said.get(key), 2000) for key in ("message", "providerMessage")]
    message = masks.without(" ".join(text for text in texts if text), secrets)
    request_id = answer.headers.get("elements-request-id") or said.get("requestId")
    return family(
        error_class,
        status=answer.status,
        request_id=clean_text(request_id, 60),
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
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER)
