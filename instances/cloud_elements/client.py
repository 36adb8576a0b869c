"""The platform's API as we use it: every failure comes out as one named error."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import requests
import structlog

from instances.cloud_elements import masks, resolution
from instances.cloud_elements.documents import (
    ChangeInstance,
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
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.refusals import document_of, error_from, refusal
from instances.secret import Secret

ONE_DOCUMENT = 2 * 2**20
ONE_PAGE = 16 * 2**20
MAX_PAGES = 1000
# A shorter secret stands in other texts by chance.
LEAST_TELLING = 8
EMPTY_LIST = re.compile(r"No .* found", re.IGNORECASE | re.DOTALL)

Observe = Callable[[CloudElementsError | None], None]
During = Callable[[bool], AbstractContextManager[None]]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Credentials:
    """The two account-wide secrets of an organization."""

    user_secret: Secret
    organization_secret: Secret

    def header(self, element: Secret | None = None) -> str:
        """Return the value of the Authorization header, for calls in an `element`'s name with its token."""
        user, organization = self.user_secret.reveal(), self.organization_secret.reveal()
        name = f", Element {element.reveal()}" if element else ""
        return f"User {user}, Organization {organization}{name}"

    def values(self) -> list[str]:
        """Return both, so that an echo of them can be masked."""
        return [self.user_secret.reveal(), self.organization_secret.reveal()]


class CloudElementsClient:
    """
    Calls for one organization; makes a connection for each call and keeps none.

    `observe` is told how each call ended: the error, or None for an answer. Each call happens inside
    a context of `during`, which is told whether the call has a `before_send`.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        ca_bundle: str = "",
        seconds: float = 90.0,
        resolve: resolution.Resolve = resolution.resolve_with_system,
        observe: Observe = lambda _error: None,
        during: During = lambda _has_hook: nullcontext(),
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._observe = observe
        self._during = during
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

        What was typed under a secret name, and `secrets`, are masked wherever the configuration
        in the answer echoes them; error texts hold nothing typed.

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
        remote = _instance(answer, [*secrets, *request.secrets(), *self._credentials.values()])
        if remote is None:
            raise error_from(OutcomeUnknownError, "unusable", answer)
        return remote

    def get_instance(self, remote_id: int, *, secrets: Sequence[str] = ()) -> RemoteInstance:
        """
        Read one instance (GET /instances/{id}); `secrets` are masked wherever they appear.

        :raises NotFoundError: the platform says that it does not exist.
        :raises CloudElementsError: not answered, refused, or not usable.
        """
        answer = self._call("GET", f"/instances/{remote_id}", secrets=secrets)
        remote = _instance(answer, [*secrets, *self._credentials.values()])
        if remote is None or remote.remote_id != remote_id:
            raise error_from(UnavailableError, "unusable", answer)
        return remote

    def delete_instance(
        self, remote_id: int, *, before_send: Callable[[str], None] | None = None
    ) -> None:
        """
        Delete an instance by its id (DELETE /instances/{id}, answered with 200).

        Never by its token: the platform would take that for a call in the instance's name.

        :raises RejectedError: 404, the platform knows no such instance.
        :raises OutcomeUnknownError: it may have been deleted; class `conflict`: it is in use (409).
        :raises CloudElementsError: as `create_instance`.
        """
        self._call("DELETE", f"/instances/{remote_id}", hook=before_send)

    def enable_instance(
        self, remote_id: int, *, before_send: Callable[[str], None] | None = None
    ) -> None:
        """
        Let an instance take calls (PUT /instances/{id}/enabled, without a body).

        Safe to repeat. No source shows the answer's body: it is not read.

        :raises RejectedError: refused, or 404: the platform knows no such instance.
        :raises CloudElementsError: as `create_instance`.
        """
        self._call("PUT", f"/instances/{remote_id}/enabled", hook=before_send)

    def disable_instance(
        self, remote_id: int, *, before_send: Callable[[str], None] | None = None
    ) -> None:
        """
        Keep an instance from taking calls (DELETE /instances/{id}/enabled); nothing is lost.

        Safe to repeat.

        :raises CloudElementsError: as `enable_instance`.
        """
        self._call("DELETE", f"/instances/{remote_id}/enabled", hook=before_send)

    def change_instance(
        self,
        remote_id: int,
        change: ChangeInstance,
        *,
        before_send: Callable[[str], None] | None = None,
    ) -> None:
        """
        Change name, tags or single configuration values (PATCH /instances/{id}).

        Tags replace all tags (churros suite). New credentials are tried at the provider, under the
        same id; the answer is not read, since reading the instance afterwards tells more.

        :raises MaskedValueError: a mask stands where a value belongs; nothing was sent.
        :raises UnauthorizedError: secrets or rights do not suffice, ours or the provider's.
        :raises CloudElementsError: as `create_instance`.
        """
        self._call(
            "PATCH",
            f"/instances/{remote_id}",
            document=change.as_json(),
            secrets=change.typed_values(),
            hook=before_send,
        )

    def replace_tags(self, remote_id: int, tags: Sequence[str]) -> None:
        """
        Make `tags` the tags of an instance (PATCH /instances/{id}); the others are lost.

        Safe to repeat.

        :raises CloudElementsError: not answered, or refused.
        """
        self._call("PATCH", f"/instances/{remote_id}", document={"tags": list(tags)})

    def find_instances(
        self, *, tag: str = "", search_text: str = "", secrets: Sequence[str] = ()
    ) -> list[FoundInstance]:
        """
        List instances by tag or by text, through all pages; without either, all of them.

        The platform answers 404, in its own error shape and saying "No … found", for an empty list
        (churros suite); only that is taken for empty. A filter may be ignored: callers compare
        for themselves. Lines without a usable id are left out and counted in the log.
        `secrets` are masked where an error's text echoes them.

        :raises CloudElementsError: not answered, refused, or not a list.
        """
        pages = self.pages_of_instances(tag=tag, search_text=search_text, secrets=secrets)
        return [found for page in pages for found in page]

    def pages_of_instances(
        self, *, tag: str = "", search_text: str = "", secrets: Sequence[str] = ()
    ) -> Iterator[list[FoundInstance]]:
        """
        List instances as `find_instances` does, holding one page at a time.

        :raises CloudElementsError: as there, from the page that was not had.
        """
        filters = {"tags[]": tag} if tag else {}
        filters |= {"searchText": search_text} if search_text else {}
        return self._pages(filters, secrets)

    def identify(self) -> str:
        """
        Return the platform's id of the account that the secrets open, "" if it may not be read.

        The answer holds the organization secret (churros suite): it is not kept.

        :raises UnauthorizedError: the secrets are not accepted (401).
        :raises CloudElementsError: not answered.
        """
        try:
            answer = self._call("GET", "/organizations/me")
        except UnauthorizedError as error:
            if error.status == 401:
                raise
            return ""
        except NotFoundError:
            return ""
        document = document_of(answer)
        if not isinstance(document, dict):
            raise error_from(UnavailableError, "garbled", answer)
        identity = document.get("id")
        is_usable = isinstance(identity, int | str) and not isinstance(identity, bool)
        return clean_text(str(identity), 100) if is_usable else ""

    def ask(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        token: Secret | None = None,
        secrets: Sequence[str] = (),
    ) -> Answer:
        """
        Ask a question (GET); with a `token` in the name of that instance, so that its provider answers.

        What a provider says speaks for its instance only, and is no failure of the platform.
        `secrets` are masked where an error's text echoes them.

        :raises CloudElementsError: not answered, or refused.
        """
        return self._call("GET", path, query=query, element=token, secrets=secrets)

    def shows_secret(self, text: str, secrets: Sequence[str] = ()) -> bool:
        """Tell whether `text` holds one of `secrets` or of the organization's, in any form."""
        known = [secret for secret in secrets if len(secret) >= LEAST_TELLING]
        return masks.without(text, [*known, *self._credentials.values()]) != text

    def _pages(
        self, filters: Mapping[str, str], secrets: Sequence[str]
    ) -> Iterator[list[FoundInstance]]:
        query, seen = {**filters, "hydrate": "false"}, {""}
        while (answer := self._page(query, secrets)) is not None:
            yield _found(answer, filters.get("tags[]", ""))
            token = answer.headers.get("elements-next-page-token", "").strip()
            if not token:
                return
            if token in seen or len(seen) == MAX_PAGES:
                raise error_from(UnavailableError, "pages", answer)
            seen.add(token)
            query["nextPage"] = token

    def _page(self, query: Mapping[str, str], secrets: Sequence[str]) -> Answer | None:
        """Return one page, None for the platform's way of saying that the whole list is empty."""
        try:
            return self._call("GET", "/instances", query=query, secrets=secrets, limit=ONE_PAGE)
        except NotFoundError as error:
            absent = error
        # Behind a first page that was not empty, "none" contradicts it: the list is incomplete.
        if "nextPage" not in query and EMPTY_LIST.fullmatch(absent.platform_message):
            return None
        raise UnavailableError(
            "status-404",
            status=404,
            request_id=absent.request_id,
            platform_message=absent.platform_message,
            address=absent.address,
        )

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
        element: Secret | None = None,
    ) -> Answer:
        """Make one call and return its 2xx answer; everything else becomes a named error."""
        request = self._request(method, path, query, document, element)
        secrets = [*secrets, element.reveal()] if element else secrets
        try:
            with self._during(hook is not None):
                answer = self._send(request, document, secrets, limit, hook)
        except CloudElementsError as error:
            self._observe(error if element is None or error.status is None else None)
            raise
        self._observe(None)
        return answer

    def _send(
        self,
        request: requests.Request,
        document: Mapping[str, Any] | None,
        secrets: Sequence[str],
        limit: int,
        hook: Callable[[str], None] | None,
    ) -> Answer:
        if document is not None and masks.holds_mask(_values(document)):
            raise MaskedValueError("masked")
        is_question = request.method == "GET"
        try:
            answer = self._door.call(request, limit=limit, before_send=hook)
        except AnswerLostError as error:
            lost = error
        else:
            if not 200 <= answer.status < 300:
                raise refusal(answer, is_question, [*secrets, *self._credentials.values()])
            return answer
        family = UnavailableError if is_question else OutcomeUnknownError
        raise family(lost.error_class, address=lost.address)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        document: Mapping[str, Any] | None,
        element: Secret | None,
    ) -> requests.Request:
        headers = {
            "Authorization": self._credentials.header(element),
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


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that may hold a secret: names and tags are anybody's, whatever they look like."""
    return {key: value for key, value in document.items() if key not in ("name", "tags")}


def _instance(answer: Answer, secrets: Sequence[str]) -> RemoteInstance | None:
    try:
        remote = RemoteInstance.parse(document_of(answer), secrets)
    except UnusableAnswerError:
        return None
    request_id = clean_text(answer.headers.get("elements-request-id"), 60)
    return replace(remote, request_id=request_id, http_status=answer.status)


def _found(answer: Answer, tag: str) -> list[FoundInstance]:
    # A list cut short would look like proof that something is absent.
    listed = document_of(answer, whole=True)
    if not isinstance(listed, list):
        raise error_from(UnavailableError, "garbled", answer)
    found = []
    for document in listed:
        try:
            found.append(FoundInstance.parse(document))
        except UnusableAnswerError:
            # One odd line must not hide the others, unless it may be the one that is looked for.
            if tag and tag in json.dumps(document):
                raise error_from(UnavailableError, "garbled", answer) from None
    if len(found) < len(listed):
        logger.warning("list has unreadable lines", lines=len(listed) - len(found))
    return found
