"""A connection that goes to a checked address, keeps one deadline, and asks before it sends."""

import io
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import certifi
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from instances.cloud_elements import resolution
from instances.cloud_elements.resolution import Resolve
from instances.crash_points import reach
from instances.hosts import AllowedHost

CONNECT_SECONDS = 10.0
CHUNK = 65_536
# A clock that nobody can set and that, where there is one, goes on while the machine sleeps.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# What these would log is addresses with queries, and headers as a stranger sent them.
logging.getLogger("urllib3").setLevel(logging.ERROR)


def now() -> float:
    """Return the seconds of a clock that only goes forward."""
    return time.clock_gettime(CLOCK)


@dataclass
class Exchange:
    """One request on its way: its deadline, its address, and whether a byte has left."""

    allowed: AllowedHost
    deadline: float
    ca_bundle: str
    resolve: Resolve
    before_send: Callable[[str], None] | None = None
    last: Callable[[], None] | None = None
    address: str = ""
    is_sent: bool = False
    sent_at: float = 0.0
    interruption: BaseException | None = None
    refusal: str = "unsendable"
    sock: socket.socket | None = field(default=None, repr=False)

    def remaining(self) -> float:
        """Return the seconds left."""
        return self.deadline - now()

    def armed_socket(self) -> socket.socket:
        """
        Return the socket, its timeout set to what is left of the deadline.

        :raises TimeoutError: nothing is left.
        """
        left = self.remaining()
        if left <= 0 or self.sock is None:
            raise TimeoutError
        self.sock.settimeout(left)
        return self.sock

    def open(self) -> None:
        """
        Connect, and over TLS check certificate and name; ten seconds for all of it.

        :raises OSError: it failed; `refusal` says at what.
        """
        end = now() + min(self.remaining(), CONNECT_SECONDS)
        context = self._tls_context()
        sock = self._reach(self._checked_addresses(end), end)
        if context is None:
            self.sock = sock
            return
        self.refusal = "tls"
        try:
            sock.settimeout(_left(end))
            self.sock = context.wrap_socket(sock, server_hostname=self.allowed.host)
        finally:
            if self.sock is None:
                sock.close()

    def _tls_context(self) -> ssl.SSLContext | None:
        self.refusal = "tls"
        return tls_context(self.ca_bundle) if self.allowed.scheme == "https" else None

    def _checked_addresses(self, end: float) -> list[str]:
        self.refusal = "dns"
        found = resolution.addresses_of(
            self.allowed.host, self.allowed.port, resolve=self.resolve, seconds=_left(end)
        )
        self.refusal = "address"
        if not self.allowed.is_private and not all(map(resolution.is_public, found)):
            raise OSError
        return found

    def _reach(self, found: list[str], end: float) -> socket.socket:
        error = OSError()
        for number, address in enumerate(found):
            self.address, self.refusal = address, "connect"
            # A share for each, so that one silent address leaves time for the next.
            share = _left(end) / (len(found) - number)
            try:
                sock = socket.create_connection((address, self.allowed.port), timeout=share)
            except ConnectionRefusedError as failure:
                self.refusal, error = "connect-refused", failure
            except OSError as failure:
                error = failure
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
        raise error

    def leave(self) -> None:
        """
        Run the hooks, check the deadline once more, and note that bytes leave from here on.

        :raises TimeoutError: it is too late to send.
        """
        self.refusal = "unsendable"
        self.pass_by("connected")
        try:
            if self.before_send is not None:
                self.before_send(self.address)
            if self.last is not None:
                self.last()
        except BaseException as error:
            self.interruption = error
            raise
        self.pass_by("intended")
        if self.remaining() <= 0:
            raise TimeoutError
        self.pass_by("checked")
        self.is_sent, self.sent_at = True, now()

    def pass_by(self, step: str) -> None:
        """Let a test end this process here, if the request may change something."""
        if self.before_send is not None:
            reach(step)

    def close(self) -> None:
        """Hang up."""
        if self.sock is not None:
            self.sock.close()


def _left(end: float) -> float:
    left = end - now()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """
    Return the one context for these authorities: TLS 1.2 or newer, certificate and name checked.

    Made by hand, since `ssl.create_default_context` obeys SSLKEYLOGFILE, and shared and never
    changed afterwards, since urllib3 would set fields of it at each connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(cafile=ca_bundle or certifi.where())
    return context


os.register_at_fork(after_in_child=tls_context.cache_clear)


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
        view = memoryview(data)
        while view:
            # One timeout for each piece would not be one for the whole.
            view = view[self._exchange.armed_socket().send(view[:CHUNK]) :]

    def makefile(self, *_args: object, **_kwargs: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._exchange), CHUNK)

    def settimeout(self, _seconds: float | None) -> None:
        """Keep the deadline: the library's own timeouts are per read."""

    def close(self) -> None:
        """Leave the real socket open: the answer may still be read from it."""


class GuardedConnection(HTTPConnection):
    """A connection of one exchange, that runs its hook between the handshake and the first byte."""

    def __init__(self, *args: Any, exchange: Exchange, **options: Any) -> None:
        super().__init__(*args, **options)
        self._exchange = exchange
        # Never print what passes, even if somebody sets this on the library's class.
        self.debuglevel = 0

    def connect(self) -> None:
        self._exchange.open()
        stand_in: Any = _TimedSocket(self._exchange)
        self.sock = stand_in

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self._exchange.leave()
        super().endheaders(*args, **kwargs)
        self._exchange.pass_by("head sent")

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 answers with its own
        self._exchange.pass_by("sent")
        response = super().getresponse()
        self._exchange.pass_by("answer begun")
        return response


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same towards https hosts; it differs in the port that the Host header leaves out."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = GuardedConnection


class _TlsPool(HTTPConnectionPool):
    scheme = "https"
    ConnectionCls = GuardedTlsConnection


def pool_for(exchange: Exchange) -> HTTPConnectionPool:
    """Return a pool that makes one connection: to the allowed host itself, not a parsed URL's."""
    pool = _TlsPool if exchange.allowed.scheme == "https" else _PlainPool
    return pool(exchange.allowed.host, exchange.allowed.port, exchange=exchange)
