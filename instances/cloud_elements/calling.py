"""How one call is made: signed, sent by the one door, observed, and its failure named."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import requests

from instances.cloud_elements import masks, resolution
from instances.cloud_elements.egress import Answer, AnswerLostError, Door
from instances.cloud_elements.errors import (
    CloudElementsError,
    MaskedValueError,
    OutcomeUnknownError,
    UnavailableError,
)
from instances.cloud_elements.refusals import refusal
from instances.secret import Secret

ONE_DOCUMENT = 2 * 2**20
# A shorter secret stands in other texts by chance.
LEAST_TELLING = 8

Observe = Callable[[CloudElementsError | None], None]
Ask = Callable[[], None]
During = Callable[[bool], AbstractContextManager[Ask | None]]


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


class Caller:
    """
    Makes the calls of one organization; opens a connection for each and keeps none.

    `observe` is told how each call ended: the error, or None for an answer. Each call happens inside
    a context of `during`, which is told whether the call has a `before_send`, and may give a function
    to run right before the first byte: what that raises comes out, and nothing is sent.
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

    def shows_secret(self, text: str, secrets: Sequence[str] = ()) -> bool:
        """Tell whether `text` holds one of `secrets` or of the organization's, in any form."""
        known = [secret for secret in secrets if len(secret) >= LEAST_TELLING]
        return masks.without(text, [*known, *self._credentials.values()]) != text

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
            with self._during(hook is not None) as last:
                answer = self._send(request, document, secrets, limit, (hook, last))
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
        hooks: tuple[Callable[[str], None] | None, Ask | None],
    ) -> Answer:
        if document is not None and masks.holds_mask(_values(document)):
            raise MaskedValueError("masked")
        is_question = request.method == "GET"
        try:
            answer = self._door.call(request, limit=limit, before_send=hooks[0], last=hooks[1])
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
