"""The one door to the outside: where it goes, for how long, how much it takes, what it obeys."""

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from pytest_django import Settings

from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    CreateInstance,
    Credentials,
    NotSentError,
    OutcomeUnknownError,
    UnavailableError,
)
from instances.cloud_elements.resolution import Resolve, is_public, resolve_with_system
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


# Where it goes


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/elements/api-v2",
        "http://api.cloud-elements.com/elements/api-v2",
        "https://api.cloud-elements.com:444/elements/api-v2",
        "https://user@api.cloud-elements.com/elements/api-v2",
        "https://api.cloud-elements.com\\@evil.example/",
        "https://api.cloud-elements.com\t.evil.example/",
        "ftp://api.cloud-elements.com/",
        "//",
        "",
    ],
)
def test_host_that_is_not_listed_is_not_called(url: str) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"]

    client = client_of(url, resolve=resolve)
    error = error_of(lambda: client.create_instance(REQUEST))
    assert isinstance(error, NotSentError)
    assert error.error_class == "policy"
    assert asked == []


@pytest.mark.parametrize("address", INWARD)
def test_inward_address_is_not_called(settings: Settings, address: str) -> None:
    settings.EGRESS = {"API_HOSTS": "platform.example", "CA_BUNDLE": ""}
    client = client_of(
        "https://platform.example", resolve=lambda _host, _port: ["8.8.8.8", address]
    )
    error = error_of(lambda: client.create_instance(REQUEST))
    assert isinstance(error, NotSentError)
    assert (error.error_class, error.address) == ("address", "")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_public_address_is_public(address: str) -> None:
    assert is_public(address)


def test_name_is_resolved_once_for_a_call(account: Account, sandbox: Sandbox) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    client_of(sandbox.base_url, account, resolve=resolve).identify()
    assert asked == ["127.0.0.1"]


def test_next_address_is_tried_when_one_does_not_answer(account: Account, sandbox: Sandbox) -> None:
    client = client_of(
        sandbox.base_url, account, resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"]
    )
    assert client.identify()


def _fails(_host: str, _port: int) -> Sequence[str]:
    raise socket.gaierror


@pytest.mark.parametrize("resolve", [_fails, lambda _host, _port: []])
def test_name_without_address_is_not_sent(
    account: Account, sandbox: Sandbox, resolve: Callable[[str, int], Sequence[str]]
) -> None:
    error = error_of(client_of(sandbox.base_url, account, resolve=resolve).identify)
    assert isinstance(error, NotSentError)
    assert error.error_class == "dns"


def test_silent_resolver_ends_at_the_deadline(account: Account, sandbox: Sandbox) -> None:
    released = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[str]:
        released.wait(20)
        return []

    client = client_of(sandbox.base_url, account, seconds=0.3, resolve=resolve)
    error = error_of(client.identify)
    released.set()
    assert isinstance(error, NotSentError)
    assert error.error_class == "late"


def test_refused_connection_is_not_sent(settings: Settings) -> None:
    with listening(settings) as listener:
        pass
    error = error_of(lambda: client_of(f"http://{listener.host}").create_instance(REQUEST))
    assert isinstance(error, NotSentError)
    assert error.error_class == "connect-refused"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(
    account: Account, sandbox: Sandbox, settings: Settings, status: int
) -> None:
    allowed = settings.EGRESS
    with listening(settings) as listener:
        settings.EGRESS = {**allowed, "API_HOSTS": f"{allowed['API_HOSTS']},http://{listener.host}"}
        account.fault("redirect", status=status, location=f"http://{listener.host}/instances")
        error = error_of(lambda: client_of(sandbox.base_url, account).create_instance(REQUEST))
        assert listener.received == []
    assert isinstance(error, OutcomeUnknownError)
    assert error.error_class == "redirected"


def test_endless_redirect_is_not_read(settings: Settings) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n"
    with listening(settings, endless(head)) as listener:
        error = error_of(client_of(f"http://{listener.host}", seconds=3.0).identify)
    assert error.error_class == "redirected"


def test_cookie_is_not_kept(settings: Settings, account: Account, sandbox: Sandbox) -> None:
    client = client_of(sandbox.base_url, account)
    client.identify()
    client.identify()
    assert all("Cookie" not in dict(entry.headers) for entry in account.ledger())
    assert len({entry.connection for entry in account.ledger()}) == 2


# The hook before the first byte


def test_hook_runs_connected_and_before_any_byte(account: Account, sandbox: Sandbox) -> None:
    seen: list[tuple[str, int]] = []
    client_of(sandbox.base_url, account).create_instance(
        request_for(account),
        before_send=lambda address: seen.append((address, len(account.ledger()))),
    )
    assert seen == [("127.0.0.1", 0)]
    assert len(account.ledger()) == 1


@pytest.mark.parametrize(
    "raised", [RuntimeError, BrokenPipeError, TimeoutError, ValueError, requests.Timeout]
)
def test_hook_that_raises_sends_nothing(settings: Settings, raised: type[Exception]) -> None:
    error = raised("from the hook")

    def refuse(_address: str) -> None:
        raise error

    with listening(settings) as listener:
        client = client_of(f"http://{listener.host}")
        with pytest.raises(raised) as caught:
            client.create_instance(REQUEST, before_send=refuse)
    assert caught.value is error
    assert not any(listener.received)


def test_hook_that_outlasts_the_deadline_sends_nothing(settings: Settings) -> None:
    with listening(settings) as listener:
        client = client_of(f"http://{listener.host}", seconds=0.2)
        error = error_of(
            lambda: client.create_instance(REQUEST, before_send=lambda _address: time.sleep(0.3))
        )
    assert isinstance(error, NotSentError)
    assert error.error_class == "late"
    assert not any(listener.received)


# For how long


@pytest.mark.parametrize("where", ["headers", "body"])
def test_drip_ends_at_the_deadline(account: Account, sandbox: Sandbox, where: str) -> None:
    account.fault("drip", where=where, interval=0.1)
    client = client_of(sandbox.base_url, account, seconds=1.0)
    began = time.monotonic()
    error = error_of(lambda: client.create_instance(REQUEST))
    assert time.monotonic() - began < 1.5
    assert isinstance(error, OutcomeUnknownError)
    assert error.error_class == "timeout"


def test_silence_ends_at_the_deadline(account: Account, sandbox: Sandbox) -> None:
    account.fault("hang")
    client = client_of(sandbox.base_url, account, seconds=0.5)
    began = time.monotonic()
    error = error_of(lambda: client.create_instance(REQUEST))
    assert time.monotonic() - began < 1.0
    assert (type(error), error.error_class) == (OutcomeUnknownError, "timeout")


# How much


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


@pytest.mark.parametrize("encoding", ["", "Content-Length: 99999999999\r\n"])
def test_endless_body_is_bounded(settings: Settings, encoding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\n{encoding}\r\n".encode()
    with listening(settings, endless(head)) as listener:
        assert grown_by(client_of(f"http://{listener.host}").identify) < 100


def test_gzip_bomb_is_bounded(settings: Settings) -> None:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    bomb = packer.compress(b"\0" * 200 * MEGABYTE) + packer.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with listening(settings, [head, bomb]) as listener:
        assert grown_by(client_of(f"http://{listener.host}").identify) < 100


def test_endless_head_is_bounded(settings: Settings) -> None:
    lines = endless(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n" * 1000)
    with listening(settings, lines) as listener:
        error = error_of(lambda: client_of(f"http://{listener.host}").create_instance(REQUEST))
    assert isinstance(error, OutcomeUnknownError)


@pytest.mark.parametrize("fault", ["huge", "gzip bomb"])
def test_huge_answer_leaves_the_outcome_unknown(
    account: Account, sandbox: Sandbox, fault: str
) -> None:
    account.fault(fault, megabytes=8)
    client = client_of(sandbox.base_url, account)
    error = error_of(lambda: client.create_instance(request_for(account)))
    assert (type(error), error.error_class) == (OutcomeUnknownError, "too-large")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_encoding_that_was_not_asked_for_is_not_decoded(settings: Settings, encoding: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n{{}}".encode()
    with listening(settings, [answer]) as listener:
        error = error_of(client_of(f"http://{listener.host}").identify)
    assert error.error_class == "garbled"


def test_gzip_without_its_end_is_not_believed(settings: Settings) -> None:
    body = gzip.compress(b'{"id": 1}')[:-4]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with listening(settings, [head, body]) as listener:
        error = error_of(client_of(f"http://{listener.host}").identify)
    assert error.error_class == "garbled"


# What a platform may answer that the sandbox does not


def ok(document: object, *headers: str) -> list[bytes]:
    """Return the bytes of a 200 with this document."""
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""])
    return [head.encode(), json.dumps(document).encode()]


def test_list_whose_pages_lead_in_a_circle_is_no_list(settings: Settings) -> None:
    with listening(settings, ok([{"id": 1}], "Elements-Next-Page-Token: again")) as listener:
        error = error_of(client_of(f"http://{listener.host}").find_instances)
    assert (type(error), error.error_class) == (UnavailableError, "pages")
    assert len(listener.received) == 2


def test_list_too_long_to_be_read_whole_is_no_list(settings: Settings) -> None:
    with listening(settings, ok([0] * 100_001)) as listener:
        error = error_of(client_of(f"http://{listener.host}").find_instances)
    assert isinstance(error, UnavailableError)


def test_lines_without_a_usable_id_are_left_out(settings: Settings) -> None:
    lines = [{"id": 1}, {"id": None}, None, {"id": "3"}, {"id": 2, "tags": ["a"]}]
    with listening(settings, ok(lines)) as listener:
        found = client_of(f"http://{listener.host}").find_instances()
    assert [line.remote_id for line in found] == [1, 2]


def test_typed_secret_is_masked_under_any_name(settings: Settings) -> None:
    echo = {"note": "uses planted-password", "username": "one"}
    with listening(settings, ok({"id": 1, "token": "t", "configuration": echo})) as listener:
        remote = client_of(f"http://{listener.host}").create_instance(REQUEST)
    assert remote.configuration == {"note": "********", "username": "one"}


# TLS


@contextmanager
def tls_sandbox(settings: Settings, kind: str, newest: str = "") -> Iterator[Sandbox]:
    with Sandbox(tls=True, certificate=kind, newest_tls=newest) as running:
        host = running.base_url.removesuffix("/elements/api-v2")
        settings.EGRESS = {"API_HOSTS": host, "CA_BUNDLE": ""}
        yield running


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong host", "unknown authority"])
def test_bad_certificate_gets_no_byte_of_the_request(settings: Settings, kind: str) -> None:
    with tls_sandbox(settings, kind) as running:
        client = client_of(running.base_url, ca_bundle=running.authority_path)
        error = error_of(lambda: client.create_instance(REQUEST))
        assert running.ledger() == []
    assert (type(error), error.error_class) == (NotSentError, "tls")


@pytest.mark.parametrize("newest", ["TLSv1", "TLSv1_1"])
def test_old_tls_gets_no_byte_of_the_request(settings: Settings, newest: str) -> None:
    with tls_sandbox(settings, "good", newest) as running:
        client = client_of(running.base_url, ca_bundle=running.authority_path)
        error = error_of(lambda: client.create_instance(REQUEST))
        assert running.ledger() == []
    assert (type(error), error.error_class) == (NotSentError, "tls")


def test_good_certificate_is_accepted_with_its_authority_only(settings: Settings) -> None:
    with tls_sandbox(settings, "good") as running:
        account = running.new_account()
        trusting = client_of(running.base_url, account, ca_bundle=running.authority_path)
        assert trusting.identify() == str(account.organization_id)
        error = error_of(client_of(running.base_url, account).identify)
    assert error.error_class == "tls"


@pytest.mark.parametrize(("name", "is_named"), [("localhost", True), ("platform.example", False)])
def test_certificate_must_name_the_host_that_was_asked_for(
    settings: Settings, name: str, is_named: bool
) -> None:
    with tls_sandbox(settings, "good") as running:
        account = running.new_account()
        url = running.base_url.replace("127.0.0.1", name)
        settings.EGRESS = {"API_HOSTS": url.removesuffix("/elements/api-v2"), "CA_BUNDLE": ""}
        client = client_of(
            url, account, ca_bundle=running.authority_path, resolve=lambda *_: ["127.0.0.1"]
        )
        error = None if is_named and client.identify() else error_of(client.identify)
    assert error is None if is_named else isinstance(error, NotSentError)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_authorities_stop_the_call(
    settings: Settings, tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "authorities.pem"
    if content:
        bundle.write_text(content)
    with tls_sandbox(settings, "good") as running:
        error = error_of(client_of(running.base_url, ca_bundle=str(bundle)).identify)
    assert (type(error), error.error_class) == (NotSentError, "tls")


def test_stalled_handshake_ends_at_the_deadline(settings: Settings) -> None:
    with tls_sandbox(settings, "good") as running:
        running.fault("stall handshake")
        client = client_of(running.base_url, ca_bundle=running.authority_path, seconds=0.5)
        error = error_of(client.identify)
    assert (type(error), error.error_class) == (NotSentError, "late")


# What it obeys


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment that would send the secrets elsewhere, or trust somebody else."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    (tmp_path / "bundle").write_text("")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "bundle"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    return tmp_path


def test_environment_changes_nothing(poisoned: Path, account: Account, sandbox: Sandbox) -> None:
    client_of(sandbox.base_url, account).identify()
    (entry,) = account.ledger()
    assert dict(entry.headers)["Authorization"] == account.authorization


def test_environment_changes_nothing_over_tls(poisoned: Path, settings: Settings) -> None:
    with tls_sandbox(settings, "good") as running:
        account = running.new_account()
        # Contexts are shared by path; another spelling makes a new one here.
        bundle = f"/{running.authority_path}"
        assert client_of(running.base_url, account, ca_bundle=bundle).identify()
    assert not (poisoned / "keys").exists()


def test_authority_in_the_environment_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with tls_sandbox(settings, "good") as running:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, running.authority_path)
        error = error_of(client_of(running.base_url).identify)
    assert (type(error), error.error_class) == (NotSentError, "tls")
