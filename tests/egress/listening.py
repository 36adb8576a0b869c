"""The one door to the outside: where it goes, for how long, how much it takes, what it obeys: what its tests share."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pytest_django import Settings

from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    CreateInstance,
    Credentials,
)
from instances.cloud_elements.resolution import Resolve, resolve_with_system
from instances.secret import Secret
from sandbox.running import Account, Sandbox

PAIR = Credentials(Secret("user+secret/of+the+tests="), Secret("organization-secret-of-tests"))


REQUEST = CreateInstance("zuorav2", "Test", (), {"username": "one", "password": "planted-password"})


MEGABYTE = 2**20


INWARD = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",  # noqa: S104  # it must not be called
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b:1::808:808",
    "2002:808:808::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]


def client_of(
    base_url: str,
    account: Account | None = None,
    *,
    ca_bundle: str = "",
    seconds: float = 5.0,
    resolve: Resolve = resolve_with_system,
) -> CloudElementsClient:
    """Make a client with the account's secrets, or with secrets that nobody has."""
    credentials = PAIR
    if account is not None:
        credentials = Credentials(Secret(account.user_secret), Secret(account.organization_secret))
    return CloudElementsClient(
        base_url, credentials, ca_bundle=ca_bundle, seconds=seconds, resolve=resolve
    )


def request_for(account: Account) -> CreateInstance:
    """Return a request whose credentials the account's Zuora accepts."""
    login = account.sandbox
    configuration = {"username": login.username, "password": login.password}
    return CreateInstance("zuorav2", "Test", (), {**configuration, "zuorav2.sandbox": True})


def error_of(call: Callable[[], object]) -> CloudElementsError:
    with pytest.raises(CloudElementsError) as caught:
        call()
    return caught.value


class Listener:
    """A port that takes connections, notes what comes and answers with the bytes it was given."""

    def __init__(self, answers: Iterable[bytes]) -> None:
        self.received: list[bytes] = []
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                peer, _address = self._socket.accept()
                with peer, suppress(OSError):
                    self.received.append(peer.recv(65_536))
                    for piece in self._answers:
                        peer.sendall(piece)
                    peer.shutdown(socket.SHUT_WR)
                    # Closing before all is read would reset the connection.
                    while peer.recv(65_536):
                        pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextmanager
def listening(settings: Settings, answers: Iterable[bytes] = ()) -> Iterator[Listener]:
    listener = Listener(answers)
    settings.EGRESS = {"API_HOSTS": f"http://{listener.host}", "CA_BUNDLE": ""}
    try:
        yield listener
    finally:
        listener.close()


def endless(head: bytes, piece: bytes = b"x" * 65_536) -> Iterator[bytes]:
    yield head
    while True:
        yield piece


def _fails(_host: str, _port: int) -> Sequence[str]:
    raise socket.gaierror


def megabytes(name: str) -> float:
    """Return one of the kernel's figures about this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def grown_by(call: Callable[[], object]) -> float:
    """Return how far memory rose at its highest during a call that finds its answer too large."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest mark so far: proc(5)
    before = megabytes("VmRSS")
    assert error_of(call).error_class == "too-large"
    return megabytes("VmHWM") - before


def ok(document: object, *headers: str) -> list[bytes]:
    """Return the bytes of a 200 with this document."""
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""])
    return [head.encode(), json.dumps(document).encode()]


@contextmanager
def tls_sandbox(settings: Settings, kind: str, newest: str = "") -> Iterator[Sandbox]:
    with Sandbox(tls=True, certificate=kind, newest_tls=newest) as running:
        host = running.base_url.removesuffix("/elements/api-v2")
        settings.EGRESS = {"API_HOSTS": host, "CA_BUNDLE": ""}
        yield running
