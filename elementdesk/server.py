"""The server as it is asked: one request at a time, and what its refusals mean."""

import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError

from elementdesk.failures import Exit, LostError, NotDoneError, plain
from elementdesk.login import Login

Query = Mapping[str, str]
# Seconds to connect, and to wait for an answer; the API itself waits 30 at most.
TIMEOUT = (10, 60)
# What passes by itself is asked again, if asking changes nothing.
PASSING = (429, 502, 503, 504)
TRIES = 4
LONGEST_PAUSE = 60.0


class KeyHeader(AuthBase):
    """Sends the key; having one, requests looks for no other in .netrc."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class Server:
    """The HTTP API, asked with a key."""

    def __init__(self, login: Login) -> None:
        self.url = login.url
        self.session = requests.Session()
        self.session.auth = KeyHeader(login.key)
        # What is not encrypted goes through no proxy either.
        self.session.trust_env = not login.is_plain

    def get(self, path: str, query: Query | None = None) -> Any:
        """
        Return what the server tells.

        :raises NotDoneError: it does not.
        """
        for _ in range(TRIES - 1):
            answer = self._send("GET", path, params=query)
            if answer.status_code not in PASSING:
                break
            time.sleep(_pause(answer))
        else:
            answer = self._send("GET", path, params=query)
        return self._told(answer)

    def post(self, path: str, body: bytes | None = None, **headers: str) -> Any:
        """
        Have the server do something, once; `Idempotency_Key` stands for the header with a dash.

        :raises LostError: it is not known whether it did.
        :raises NotDoneError: it did not.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        return self._told(self._send("POST", path, data=body, headers=sent))

    def patch(self, path: str, body: bytes) -> Any:
        """
        Have the server change what is at `path` as it is now, and not as it becomes meanwhile.

        :raises LostError: it is not known whether it did.
        :raises NotDoneError: it did not.
        """
        seen = self._send("GET", path)
        self._told(seen)
        headers = {"Content-Type": "application/json", "If-Match": seen.headers.get("ETag", "")}
        return self._told(self._send("PATCH", path, data=body, headers=headers))

    def _send(self, method: str, path: str, **said: Any) -> requests.Response:
        address = f"{self.url}/api/v1/{path}"
        try:
            return self.session.request(
                method, address, timeout=TIMEOUT, allow_redirects=False, **said
            )
        except requests.RequestException as error:
            raise self._failure(error) from None

    def _failure(self, error: requests.RequestException) -> NotDoneError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            sentence = (
                f"The certificate of {self.url} is not trusted: check the address, or name your "
                "own authority's file in REQUESTS_CA_BUNDLE."
            )
            return NotDoneError(Exit.UNREACHABLE, sentence)
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
            sentence = f"{self.url} cannot be reached: check the address and the network."
            return NotDoneError(Exit.UNREACHABLE, sentence)
        return LostError(Exit.UNREACHABLE, f"{self.url} gave no answer: try it again.")

    def _told(self, answer: requests.Response) -> Any:
        """Return the JSON of an answer; what is not from Elementdesk is no answer."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        is_ours = kind in ("application/json", "application/problem+json")
        try:
            told = answer.json() if is_ours else None
        except ValueError:
            told = None
        if answer.ok and answer.status_code < 300 and told is not None:
            return told
        if answer.status_code >= 500:
            raise LostError(Exit.UNREACHABLE, f"{self.url} cannot answer now: {_why(told)}")
        if not isinstance(told, dict) or "code" not in told:
            sentence = f"What answers at {self.url} is not Elementdesk: check the address."
            raise NotDoneError(Exit.UNREACHABLE, sentence)
        is_closed = answer.status_code in (401, 403, 404)
        raise NotDoneError(Exit.NOT_ALLOWED if is_closed else Exit.REFUSED, _why(told))


def _why(told: Any) -> str:
    """Return what the server said in the place of doing it, each entry that cannot be by name."""
    if not isinstance(told, dict) or "detail" not in told:
        return "try it again later."
    fields = [f"{each['name']}: {each['problem']}" for each in told.get("fields", [])]
    request = f" (request {told['request_id']})" if told.get("request_id") else ""
    return plain(" ".join([told["detail"], *fields]) + request)


def _pause(answer: requests.Response) -> float:
    try:
        asked = float(answer.headers.get("Retry-After", "2"))
    except ValueError:
        asked = 2.0
    return min(max(asked, 0.5), LONGEST_PAUSE)
