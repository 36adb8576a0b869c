"""The one door to the outside: one HTTP call, checked, pinned, bounded in time and size."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, Retry
from urllib3.exceptions import HTTPError

from instances import hosts
from instances.cloud_elements import resolution
from instances.cloud_elements.connection import CHUNK, Exchange, now, pool_for
from instances.cloud_elements.errors import NotSentError
from instances.cloud_elements.resolution import Resolve
from instances.hosts import AllowedHost

# Everything that requests, urllib3, http.client, ssl, sockets and zlib raise.
FAILURES = (OSError, ValueError, HTTPError, HTTPException, zlib.error)


class AnswerLostError(Exception):
    """The request may have left, and no whole answer came; `error_class` says how it ended."""

    def __init__(self, error_class: str, address: str = "") -> None:
        self.error_class = error_class
        self.address = address
        super().__init__(error_class)


class _TooLargeError(Exception):
    """More bytes than the caller allows."""


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers (names in lower case), decoded body, time it took."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float
    address: str


class _Adapter(HTTPAdapter):
    """
    An adapter for one exchange: no retries, no redirects, nothing reused, no environment.

    Called without a session: a session reads the whole body of a redirect, however long, to find
    where it leads (requests.sessions.Session.send).
    """

    def __init__(self, exchange: Exchange) -> None:
        self._pool = pool_for(exchange)
        super().__init__(max_retries=Retry(0, redirect=0, read=False))

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """Leave certificates to the exchange: always verified, by its authorities only."""


@dataclass(frozen=True)
class Door:
    """How calls leave: with which authorities, resolver and whole time for one call, and to which hosts."""

    ca_bundle: str = ""
    seconds: float = 90.0
    resolve: Resolve = resolution.resolve_with_system
    find: Callable[[str], hosts.AllowedHost] = hosts.find_allowed

    def call(
        self,
        request: requests.Request,
        *,
        limit: int,
        before_send: Callable[[str], None] | None = None,
        last: Callable[[], None] | None = None,
        elsewhere: AllowedHost | None = None,
    ) -> Answer:
        """
        Make one HTTP call and return the whole answer, at most `limit` bytes once decoded.

        `before_send` gets the connected address, after the handshake and before the first byte;
        what it raises comes out unchanged, and nothing is sent. So it is with `last`, which runs after it.
        `elsewhere` is a host that is allowed for something else than the platform; that one is called.

        :raises NotSentError: no byte left this machine.
        :raises AnswerLostError: bytes left, and no whole answer came.
        """
        exchange = self._exchange(request, before_send, elsewhere)
        exchange.last = last
        failure: BaseException
        try:
            return _answer(exchange, request, limit)
        except _TooLargeError:
            failure = AnswerLostError("too-large", exchange.address)
        except FAILURES as error:
            failure = _named(exchange, error)
        finally:
            exchange.close()
        # Outside the clause above: what it caught holds headers and body, and would hang on it.
        raise failure

    def _exchange(
        self,
        request: requests.Request,
        before_send: Callable[[str], None] | None,
        elsewhere: AllowedHost | None,
    ) -> Exchange:
        try:
            allowed = elsewhere or self.find(str(request.url))
        except (hosts.HostRefusedError, hosts.HostListError):
            allowed = None
        if allowed is None:
            raise NotSentError("policy")
        return Exchange(allowed, now() + self.seconds, self.ca_bundle, self.resolve, before_send)


def _answer(exchange: Exchange, request: requests.Request, limit: int) -> Answer:
    adapter = _Adapter(exchange)
    response = adapter.send(request.prepare(), stream=True)
    seconds = now() - exchange.sent_at
    headers = {name.lower(): value for name, value in response.headers.items()}
    # Nobody needs to know what a redirect has to say.
    is_redirect = 300 <= response.status_code < 400
    body = b"" if is_redirect else _body(response.raw, headers.get("content-encoding", ""), limit)
    return Answer(response.status_code, headers, body, seconds, exchange.address)


def _body(raw: Any, encoding: str, limit: int) -> bytes:
    """
    Read and decode the body.

    :raises _TooLargeError: it has more than `limit` bytes.
    :raises ValueError: it is encoded in a way we did not ask for, or not to its end.
    """
    received = iter(lambda: raw.read(CHUNK, decode_content=False), b"")
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise ValueError
    pieces, size = [], 0
    for piece in _unpacked(received, limit) if encoding == "gzip" else received:
        size += len(piece)
        if size > limit:
            raise _TooLargeError
        pieces.append(piece)
    return b"".join(pieces)


def _unpacked(received: Iterator[bytes], limit: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for piece in received:
        yield unpacker.decompress(piece, limit + 1)
        if unpacker.unused_data:
            raise ValueError
    if not unpacker.eof:
        raise ValueError


def _named(exchange: Exchange, error: Exception) -> BaseException:
    if exchange.interruption is not None:
        return exchange.interruption
    is_late = exchange.remaining() <= 0
    if not exchange.is_sent:
        return NotSentError("late" if is_late else exchange.refusal, address=exchange.address)
    if is_late:
        return AnswerLostError("timeout", exchange.address)
    is_reset = any(isinstance(each, ConnectionError) for each in _causes(error))
    return AnswerLostError("reset" if is_reset else "garbled", exchange.address)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Go down the chain to what really happened: requests wraps urllib3, which wraps the rest."""
    cause: BaseException | None = error
    while cause is not None:
        # requests' own ConnectionError is no ConnectionError of the system's.
        yield cause
        cause = cause.__cause__ or cause.__context__
