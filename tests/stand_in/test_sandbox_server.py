"""The sandbox as a server: HTTP on the wire, TLS, a process of its own, state that survives kill -9."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from sandbox import demo
from sandbox.planting import ControlError
from sandbox.running import Account, RemoteSandbox, Sandbox

ROOT = Path(__file__).parents[2]


def say(sandbox: Sandbox, *parts: bytes) -> bytes:
    """Send bytes over a bare socket, close the sending side, and read all that comes back."""
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.base_url).port or 0)) as bare:
        for part in parts:
            bare.sendall(part)
        bare.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: bare.recv(65536), b""))


def identify(sandbox: Sandbox | RemoteSandbox, account: Account, verify: str | bool = True) -> int:
    """Make the cheapest call and give its status."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": account.authorization}
        url = f"{sandbox.base_url}/organizations/me"
        return session.get(url, headers=headers, timeout=5, verify=verify).status_code


# HTTP


def test_one_connection_carries_many_requests(sandbox: Sandbox, account: Account) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):
            session.get(
                f"{sandbox.base_url}/organizations/me",
                headers={"Authorization": account.authorization},
                timeout=5,
            )
    assert len({entry.connection for entry in account.ledger()}) == 1


def test_connection_closes_when_the_client_wants_it(sandbox: Sandbox) -> None:
    answer = say(sandbox, b"GET /elements/api-v2/ping HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Connection: close" in answer


def test_chunked_body_is_put_together(sandbox: Sandbox, account: Account) -> None:
    body = json.dumps({"element": {"key": "echo"}, "name": "Chunked"}).encode()
    with requests.Session() as session:
        session.trust_env = False
        session.post(
            f"{sandbox.base_url}/instances",
            data=iter([body[:10], body[10:]]),
            headers={"Authorization": account.authorization, "Content-Type": "application/json"},
            timeout=5,
        )
    assert account.only_instance()["name"] == "Chunked"
    assert account.ledger()[0].body == body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
def test_unreadable_requests_are_refused(sandbox: Sandbox, sent: bytes, status: bytes) -> None:
    assert say(sandbox, sent).startswith(b"HTTP/1.1 " + status)


def test_ledger_keeps_header_names_as_they_were_sent(sandbox: Sandbox, account: Account) -> None:
    head = (
        f"GET /elements/api-v2/elements HTTP/1.1\r\naUTHORIZATION: {account.authorization}\r\n\r\n"
    )
    say(sandbox, head.encode())
    (entry,) = account.ledger()
    assert entry.headers == [["aUTHORIZATION", account.authorization]]
    assert (entry.method, entry.path, entry.account) == ("GET", "/elements", account.id)


# Connections and TLS


@pytest.mark.parametrize("name", ["close on accept", "reset on accept", "greeting", "silent"])
def test_connection_fault_strikes_before_any_request(name: str) -> None:
    with Sandbox() as sandbox:
        account = sandbox.new_account()
        sandbox.fault(name)
        with pytest.raises(requests.RequestException):
            requests.get(f"{sandbox.base_url}/elements", timeout=0.2)
        assert sandbox.connections()[0]["requests"] == 0
        assert identify(sandbox, account) == 200


def test_own_authority_makes_tls_trusted() -> None:
    with Sandbox(tls=True) as sandbox:
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        assert identify(sandbox, sandbox.new_account(), verify=sandbox.authority_path) == 200


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong host", "unknown authority"])
def test_wrong_certificate_stops_the_client_before_it_sends(kind: str) -> None:
    with Sandbox(tls=True, certificate=kind) as sandbox:
        with pytest.raises(requests.exceptions.SSLError):
            identify(sandbox, sandbox.new_account(), verify=sandbox.authority_path)
        assert sandbox.ledger() == []


def test_certificate_can_change_midway() -> None:
    with Sandbox(tls=True) as sandbox:
        account = sandbox.new_account()
        assert identify(sandbox, account, verify=sandbox.authority_path) == 200
        sandbox.use_certificate("expired")
        with pytest.raises(requests.exceptions.SSLError):
            identify(sandbox, account, verify=sandbox.authority_path)


def test_old_tls_alone_is_not_spoken() -> None:
    with Sandbox(tls=True, newest_tls="TLSv1") as sandbox, pytest.raises(requests.RequestException):
        identify(sandbox, sandbox.new_account(), verify=sandbox.authority_path)


# A process of its own


def launch(folder: Path, *more: str) -> tuple[subprocess.Popen[str], RemoteSandbox]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(folder), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline() if process.stdout else ""
    return process, RemoteSandbox(line.split()[-1])


def end(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    code = process.wait(10)
    if process.stdout:
        process.stdout.close()
    return code


def test_state_survives_kill_9(tmp_path: Path) -> None:
    process, remote = launch(tmp_path)
    account = remote.new_account()
    account.set(page_size=7)
    planted = account.add_instance(name="Kept")
    assert identify(remote, account) == 200
    end(process, signal.SIGKILL)
    process, remote = launch(tmp_path)
    again = remote.account(account.id)
    assert again.only_instance() == planted
    assert again.set()["page_size"] == 7
    assert [entry.path for entry in again.ledger()] == ["/organizations/me"]
    assert again.add_instance()["id"] == planted["id"] + 1
    end(process, signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sandbox_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process, remote = launch(tmp_path)
    assert remote.demo_account().user_secret == demo.USER_SECRET
    assert end(process, number) == 0


def test_consent_pages_are_named_by_their_public_address(tmp_path: Path) -> None:
    process, remote = launch(tmp_path, "--public", "https://sandbox.test/")
    answer = requests.get(
        f"{remote.base_url}/elements/sfdc/oauth/url",
        params={"apiKey": "a", "apiSecret": "b", "callbackUrl": "https://c.test"},
        headers={"Authorization": remote.demo_account().authorization},
        timeout=20,
    )
    assert answer.json()["oauthUrl"].startswith("https://sandbox.test/__provider__/sfdc/authorize?")
    end(process, signal.SIGTERM)


def test_remote_sandbox_offers_the_same_control(sandbox: Sandbox, account: Account) -> None:
    remote = RemoteSandbox(sandbox.base_url)
    same = remote.account(account.id)
    same.fault("status", status=418, method="GET")
    assert identify(sandbox, account) == 418
    assert [e.faults for e in same.ledger()] == [e.faults for e in account.ledger()]
    assert remote.ledger()[-1] == sandbox.ledger()[-1]
    with pytest.raises(ControlError):
        remote.account(999_999)


# The demo account


def test_demo_secrets_have_the_platforms_shape() -> None:
    assert len(demo.USER_SECRET) == 44
    assert set("+/=") <= set(demo.USER_SECRET)
    assert len(demo.ORGANIZATION_SECRET) == 32
    assert int(demo.ORGANIZATION_SECRET, 16)


def test_readme_shows_the_demo_values() -> None:
    text = (ROOT / "sandbox" / "README.md").read_text()
    tenants = (demo.ZUORA_PRODUCTION, demo.ZUORA_SANDBOX)
    values = [value for tenant in tenants for value in vars(tenant).values()]
    for value in (demo.USER_SECRET, demo.ORGANIZATION_SECRET, demo.LOGIN, *values):
        assert value in text
