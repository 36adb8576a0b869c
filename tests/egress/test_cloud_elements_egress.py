"""What may be called, and how a connection begins."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
import requests
from pytest_django import Settings

from instances.cloud_elements import (
    NotSentError,
    OutcomeUnknownError,
)
from instances.cloud_elements.resolution import is_public
from sandbox.running import Account, Sandbox
from tests.egress.listening import (
    INWARD,
    REQUEST,
    _fails,
    client_of,
    endless,
    error_of,
    listening,
    request_for,
)


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
