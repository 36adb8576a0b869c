"""The one door to the outside: one HTTP call, checked, pinned, bounded in time and size."""

import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from instances import hosts
from instances.cloud_elements import resolution
from instances.cloud_elements.errors import NotSentError
from instances.cloud_elements.resolution import Resolve

CONNECT_SECONDS = 10.0
CHUNK = 65_536


class AnswerLostError(Exception):
    """The request may have left, and no whole answer came; `error_class` says how it ended."""

    def __init__(self, error_class: str) -> None:
        self.error_class = error_class
        super().__init__(error_class)


@dataclass
class Exchange:
    """One request on its way: its deadline, its address, and whether a byte has left."""

    deadline: float
    is_private: bool
    resolve: Resolve
    before_send: Callable[[str], None] | None = None
    address: str = ""
    is_sent: bool = False
    sent_at: float = 0.0
    interruption: BaseException | None = None
    refusal: str = "connect"
    sock: socket.socket | None = None

    def armed_socket(self) -> socket.socket:
        """Return the socket, its timeout set to what is left of the deadline."""
        left = self.remaining()
        if left <= 0 or self.sock is None:
            raise TimeoutError
        self.sock.settimeout(left)
        return self.sock

    def close(self) -> None:
        """Hang up."""
        if self.sock is not None:
            self.sock.close()

    def remaining(self) -> float:
        """Seconds left; a clock that goes on while the machine sleeps."""
        return self.deadline - now()

    def leave(self) -> None:
        """Run the hook, check the deadline once more, and note that bytes leave from here on."""
        if self.before_send is not None:
            try:
                self.before_send(self.address)
            except BaseException as error:
                self.interruption = error
                raise
        if self.remaining() <= 0:
            self.refusal = "late"
            raise TimeoutError
        self.is_sent, self.sent_at = True, now()


def now() -> float:
    """Seconds on a clock that nobody can set and that counts suspended time."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers (names in lower case), decoded body, time it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    address: str


class _TimedReader(io.RawIOBase):
    """The reading end of a socket; every read ends at the exchange's deadline."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return int(self._exchange.armed_socket().recv_into(buffer))


class _TimedSocket:
    """What the HTTP library takes for the socket; the exchange itself closes the real one."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def sendall(self, data: bytes) -> None:
        self._exchange.armed_socket().sendall(data)

    def makefile(self, *_args: object, **_kwargs: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._exchange), CHUNK)

    def settimeout(self, _seconds: float | None) -> None:
        """Keep the deadline: the library's own timeouts are per read."""

    def fileno(self) -> int:
        return self._exchange.armed_socket().fileno()

    def close(self) -> None:
        """Leave the real socket open: the answer may still be read from it."""


class _Plain(HTTPConnection):
    """A connection to a checked address, with a deadline and a hook before the first byte."""

    exchange: Exchange

    def _new_conn(self) -> socket.socket:
        return _connect(self.exchange, self.host, self.port or 443)

    def connect(self) -> None:
        super().connect()
        connection: Any = self
        self.exchange.sock = connection.sock
        connection.sock = _TimedSocket(self.exchange)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self.exchange.leave()
        super().endheaders(*args, **kwargs)


class _Tls(_Plain, HTTPSConnection):
    """The same over TLS: certificate and name are checked before anything is sent."""


def _connect(exchange: Exchange, host: str, port: int) -> socket.socket:
    left = min(exchange.remaining(), CONNECT_SECONDS)
    try:
        found = resolution.addresses_of(host, port, resolve=exchange.resolve, seconds=left)
    except (OSError, UnicodeError):
        exchange.refusal = "dns"
        raise
    if not exchange.is_private and not all(resolution.is_public(address) for address in found):
        exchange.refusal = "address"
        raise OSError
    return _first_that_answers(exchange, found, port)


def _first_that_answers(exchange: Exchange, found: list[str], port: int) -> socket.socket:
    error = OSError()
    for address in found:
        left = min(exchange.remaining(), CONNECT_SECONDS)
        try:
            sock = socket.create_connection((address, port), timeout=max(left, 0.001))
        except OSError as failure:
            error = failure
            continue
        exchange.address = address
        exchange.refusal = "tls"
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(max(min(exchange.remaining(), CONNECT_SECONDS), 0.001))
        return sock
    raise error


def _pools(exchange: Exchange) -> dict[str, type[HTTPConnectionPool]]:
    """Return connection pools whose connections belong to this one exchange."""
    plain = type("Plain", (_Plain,), {"exchange": exchange})
    tls = type("Tls", (_Tls,), {"exchange": exchange})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


@cache
def _tls_context(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_bundle or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Adapter(HTTPAdapter):
    """An adapter for one exchange: no retries, no redirects, nothing reused."""

    def __init__(self, exchange: Exchange, ca_bundle: str) -> None:
        self._exchange, self._ca_bundle = exchange, ca_bundle
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=Retry(0, read=False))

    def init_poolmanager(self, *_args: Any, **_kwargs: Any) -> None:
        self.poolmanager = PoolManager(1, ssl_context=_tls_context(self._ca_bundle))
        self.poolmanager.pool_classes_by_scheme = _pools(self._exchange)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave certificates to the context above: always verified, with its authorities only."""

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, _pool = super().build_connection_pool_key_attributes(request, True, None)
        return host, {}


@dataclass(frozen=True)
class Door:
    """How calls leave: with which authorities, resolver and whole time for one call."""

    ca_bundle: str = ""
    seconds: float = 90.0
    resolve: Resolve = resolution.resolve_with_system

    def call(
        self,
        request: requests.Request,
        *,
        limit: int,
        before_send: Callable[[str], None] | None = None,
    ) -> Answer:
        """
        Make one HTTP call and return the whole answer, at most `limit` bytes once decoded.

        `before_send` gets the connected address, after the handshake and before the first byte;
        what it raises comes out unchanged, and nothing is sent.

        :raises NotSentError: no byte left this machine.
        :raises AnswerLostError: bytes left, and no whole answer came.
        """
        exchange = self._exchange(str(request.url), before_send)
        try:
            return self._answer(exchange, request, limit)
        except (requests.RequestException, HTTPError, OSError, ValueError, AttributeError):
            if exchange.interruption is not None:
                raise exchange.interruption from None
            if not exchange.is_sent:
                late = "late" if exchange.remaining() <= 0 else exchange.refusal
                raise NotSentError(late, address=exchange.address) from None
            is_late = exchange.remaining() <= 0
            raise AnswerLostError("timeout" if is_late else "no-answer") from None
        finally:
            exchange.close()

    def _exchange(self, url: str, before_send: Callable[[str], None] | None) -> Exchange:
        try:
            allowed = hosts.find_allowed(url)
        except hosts.HostRefusedError:
            raise NotSentError("policy") from None
        return Exchange(now() + self.seconds, allowed.is_private, self.resolve, before_send)

    def _answer(self, exchange: Exchange, request: requests.Request, limit: int) -> Answer:
        try:
            prepared = request.prepare()
        except (requests.RequestException, ValueError):
            exchange.refusal = "unsendable"
            raise
        adapter = _Adapter(exchange, self.ca_bundle)
        try:
            response = adapter.send(prepared, stream=True, timeout=(CONNECT_SECONDS, self.seconds))
            return Answer(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=_read(response.raw, limit),
                seconds=now() - exchange.sent_at,
                address=exchange.address,
            )
        finally:
            adapter.close()


def _read(raw: Any, limit: int) -> bytes:
    pieces, size = [], 0
    while piece := raw.read(CHUNK, decode_content=True):
        size += len(piece)
        if size > limit:
            raise AnswerLostError("too-large")
        pieces.append(piece)
    return b"".join(pieces)
