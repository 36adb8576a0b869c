"""The sandbox's faults: each strikes where it should, reaches the wire, and stands in the ledger."""

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.faults import UnknownFaultError
from sandbox.running import Account, Entry, Sandbox
from sandbox.switches import UnknownSwitchError
from tests.stand_in.wishes import Call, last_create, post, zuora

# What is committed, and what reaches the client


def test_the_ledger_has_the_moment_at_which_a_request_came(sandbox: Sandbox) -> None:
    first, account = sandbox.ask("GET", ""), sandbox.new_account()
    assert first
    address = urlsplit(sandbox.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as link:
        sent_at = time.time()
        link.sendall(b"GET /elements/api-v2/nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        assert link.recv(1)
        answered_at = time.time()
    came_at = sandbox.ledger()[-1].time
    # The kernel counts in ticks.
    assert sent_at - 0.02 <= came_at <= answered_at
    assert account.ledger() == []


def test_commit_then_drop_leaves_an_instance_without_an_answer(
    call: Call, account: Account
) -> None:
    account.fault("commit then drop")
    with pytest.raises(requests.ConnectionError):
        post(call, account)
    entry = last_create(account)
    assert entry.faults == ["commit then drop"]
    assert (entry.status, entry.bytes_sent) == (None, 0)
    assert entry.created == [account.only_instance()["id"]]


def test_instance_behind_a_fault_can_be_read(call: Call, account: Account) -> None:
    account.fault("commit then drop", reset=True)
    with pytest.raises(requests.ConnectionError):
        post(call, account)
    (found,) = call("GET", "/instances", params={"tags[]": "mine"}).json()
    assert call("GET", f"/instances/{found['id']}").json() == found


def test_drop_before_commit_leaves_nothing(call: Call, account: Account) -> None:
    account.fault("drop before commit")
    with pytest.raises(requests.ConnectionError):
        post(call, account)
    assert account.instances() == []
    assert last_create(account).faults == ["drop before commit"]


def test_late_commit_comes_after_the_client_has_gone(
    call: Call, sandbox: Sandbox, account: Account
) -> None:
    account.fault("late commit", seconds=None)
    with pytest.raises(requests.ConnectionError):
        post(call, account)
    assert account.instances() == []
    account.release()
    sandbox.settle()
    entry = last_create(account)
    assert entry.created == [account.only_instance()["id"]]
    assert entry.ended_at is not None
    assert entry.commits[0].time > entry.ended_at


def test_late_commit_can_hide_behind_a_gateway_timeout(
    call: Call, sandbox: Sandbox, account: Account
) -> None:
    account.fault("late commit", seconds=0.01, then="504")
    answer = post(call, account)
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html")
    sandbox.settle()
    assert account.only_instance()


@pytest.mark.parametrize("commit", [False, True])
def test_hang_lasts_until_the_client_gives_up(call: Call, account: Account, commit: bool) -> None:
    account.fault("hang", commit=commit)
    with pytest.raises(requests.ReadTimeout):
        post(call, account, timeout=0.1)
    assert len(account.instances()) == int(commit)
    assert ended(account).hung_up is True


def ended(account: Account) -> Entry:
    """Wait for the sandbox to notice that the client has gone."""
    for _ in range(1000):
        entry = last_create(account)
        if entry.ended_at is not None:
            return entry
        time.sleep(0.005)
    raise AssertionError("the request never ended")


def test_latency_delays_the_commit_or_the_answer(call: Call, account: Account) -> None:
    for when in ("before", "after"):
        account.fault("latency", seconds=0.05, when=when)
        assert post(call, account).elapsed.total_seconds() >= 0.05
    before, after = account.ledger()
    assert before.commits[0].time - before.time >= 0.05
    assert after.commits[0].time - after.time < 0.05


@pytest.mark.parametrize(
    ("where", "drops"), [("headers", b"X-Drip: dddd"), ("body", b'\r\n\r\n{"id')]
)
def test_drip_sends_byte_after_byte_until_the_client_leaves(
    sandbox: Sandbox, account: Account, where: str, drops: bytes
) -> None:
    account.fault("drip", where=where, interval=0.001)
    # A bare socket, because no timeout of requests ends the wait for headers.
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.base_url).port or 0)) as bare:
        bare.sendall(raw_post(account))
        received = b""
        while drops not in received:
            received += bare.recv(1)
    assert ended(account).hung_up is True
    assert account.only_instance()


def raw_post(account: Account) -> bytes:
    body = json.dumps(zuora(account))
    head = (
        f"POST /elements/api-v2/instances HTTP/1.1\r\nAuthorization: {account.authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


# Statuses


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("status", [200, 204, 302, 400, 408, 409, 425, 500, 502, 503, 599])
def test_any_status_with_and_without_commit(
    call: Call, account: Account, status: int, commit: bool
) -> None:
    account.fault("status", status=status, commit=commit)
    answer = post(call, account, allow_redirects=False)
    assert answer.status_code == status
    assert len(account.instances()) == int(commit)


def test_status_has_the_platforms_body_or_a_proxys_page(call: Call, account: Account) -> None:
    account.fault("status", status=503)
    account.fault("status", status=503, html=True)
    assert set(post(call, account).json()) == {"requestId", "message"}
    page = post(call, account)
    assert page.text.startswith("<html>")
    assert "Elements-Request-Id" not in page.headers


@pytest.mark.parametrize("wait", [None, "3", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_throttle_names_a_wait_or_none(call: Call, account: Account, wait: str | None) -> None:
    account.fault("throttle", retry_after=wait)
    answer = post(call, account)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, wait)
    assert account.instances() == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_points_where_it_is_told(call: Call, account: Account, status: int) -> None:
    account.fault("redirect", status=status, location="http://169.254.169.254/latest")
    answer = post(call, account, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (
        status,
        "http://169.254.169.254/latest",
    )


def test_refused_secrets_refuse_everything_until_cleared(call: Call, account: Account) -> None:
    account.fault("refuse secrets", times=None)
    for path in ("/organizations/me", "/instances", "/elements"):
        assert call("GET", path).status_code == 401
    account.clear_faults()
    assert call("GET", "/organizations/me").status_code == 200


def test_refused_identity_leaves_the_rest(call: Call, account: Account) -> None:
    account.fault("refuse identity")
    assert call("GET", "/elements").status_code == 200
    assert call("GET", "/organizations/me").status_code == 403


# Answers nobody should believe


def test_fault_strikes_as_often_as_told_and_in_order(call: Call, account: Account) -> None:
    account.fault("status", times=2, status=500)
    account.fault("status", status=503)
    statuses = [post(call, account).status_code for _ in range(4)]
    assert statuses == [500, 500, 503, 200]


def test_fault_can_skip_requests(call: Call, account: Account) -> None:
    account.fault("status", skip=1)
    assert [post(call, account).status_code for _ in range(3)] == [200, 500, 200]


def test_fault_can_spare_what_is_sent_again(call: Call, account: Account) -> None:
    for status in (500, 503):
        account.fault("status", status=status, first_only=True)
    bodies = [zuora(account, tags=[tag]) for tag in ("a", "a", "b", "a")]
    statuses = [call("POST", "/instances", json=body).status_code for body in bodies]
    assert statuses == [500, 200, 503, 200]


def test_fault_can_be_limited_to_a_method_and_a_path(call: Call, account: Account) -> None:
    number = account.add_instance()["id"]
    account.fault("commit then drop", method="DELETE", path=f"/instances/{number}")
    assert call("GET", f"/instances/{number}").status_code == 200
    with pytest.raises(requests.ConnectionError):
        call("DELETE", f"/instances/{number}")
    assert account.instances() == []


def test_fault_can_wait_for_another_on_exactly_one_path(call: Call, account: Account) -> None:
    number = account.add_instance()["id"]
    path = f"/instances/{number}"
    account.fault("status", method="GET", path="/organizations/me", behind=f"GET {path}")
    account.fault("status", method="GET", path=f"{path}$", status=404)
    asked = ("/organizations/me", f"{path}/configuration", path, "/organizations/me", path)
    assert [call("GET", each).status_code for each in asked] == [200, 200, 404, 500, 200]


def test_fault_strikes_only_its_own_account(sandbox: Sandbox, call: Call, account: Account) -> None:
    sandbox.new_account().fault("status")
    assert post(call, account).status_code == 200


@pytest.mark.parametrize(
    ("name", "options"),
    [("no such", {}), ("hang", {"minutes": 1}), ("garbage", {"kind": "polite"})],
)
def test_unknown_faults_are_refused_at_once(
    account: Account, name: str, options: dict[str, Any]
) -> None:
    with pytest.raises(UnknownFaultError):
        account.fault(name, **options)


def test_unknown_switches_are_refused_at_once(account: Account) -> None:
    with pytest.raises(UnknownSwitchError):
        account.set(default_tag=True, no_such_switch=True)
    with pytest.raises(UnknownSwitchError):
        account.set(default_tag="yes")
