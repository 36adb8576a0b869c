"""Hundreds of hostile addresses, DNS answers and redirects open no connection elsewhere."""

import ipaddress
import sys
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from pytest_django import Settings

from instances.cloud_elements import CloudElementsError, NotSentError
from instances.cloud_elements.resolution import Resolve
from tests.egress.listening import client_of, listening
from tests.hostile_addresses import (
    ALLOWED,
    HEADERS,
    PATH,
    PUBLIC,
    dns_answers,
    redirects,
    urls,
)

ANSWER = b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"


class Watch:
    """Sees every connection and every name that this process asks for; lets only some through."""

    def __init__(self) -> None:
        self.is_on = False
        self.allowed: set[tuple[str, int]] = set()
        self.connections: list[object] = []
        self.names: list[str] = []
        # For the life of the process: a hook of this kind cannot be taken out again.
        sys.addaudithook(self._notice)

    def _notice(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on:
            return
        if event == "socket.getaddrinfo":
            self.names.append(str(arguments[0]))
        elif event == "socket.connect":
            address = arguments[1]
            self.connections.append(address)
            if not isinstance(address, tuple) or tuple(address[:2]) not in self.allowed:
                raise ConnectionRefusedError("the tests let no other connection through")


WATCH = Watch()


@pytest.fixture
def watch() -> Iterator[Watch]:
    WATCH.connections, WATCH.names, WATCH.allowed = [], [], set()
    WATCH.is_on = True
    yield WATCH
    WATCH.is_on = False


def call(base_url: str, resolve: Resolve) -> CloudElementsError | None:
    """Make the harmless call; return how it failed."""
    try:
        client_of(base_url, seconds=2.0, resolve=resolve).identify()
    except CloudElementsError as error:
        return error
    return None


def _always(answer: Sequence[str], _host: str, _port: int) -> Sequence[str]:
    return answer


def nowhere(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_the_corpus_is_large() -> None:
    total = len(urls()) + len(dns_answers()) + len(redirects("http://here")) + len(HEADERS)
    assert total >= 400
    assert len(set(urls())) == len(urls())


def test_no_hostile_address_opens_a_connection_or_asks_for_a_name(watch: Watch) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return nowhere(host, port)

    let_through = [url for url in urls() if not isinstance(call(url, resolve), NotSentError)]
    assert (let_through, asked, watch.connections, watch.names) == ([], [], [], [])


def test_no_hostile_answer_of_a_resolver_opens_a_connection(watch: Watch) -> None:
    for answer in dns_answers():
        error = call(f"https://{ALLOWED}{PATH}", partial(_always, answer))
        assert isinstance(error, NotSentError), answer
    assert watch.connections == []


def test_an_answer_that_changes_after_the_check_is_not_asked_again(watch: Watch) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    call(f"https://{ALLOWED}{PATH}", lambda _host, _port: next(answers))
    assert watch.connections == [(PUBLIC, 443)]


def test_no_redirect_is_followed(settings: Settings, watch: Watch) -> None:
    for status, target in redirects("http://127.0.0.1:9"):
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {target}\r\n".encode() + ANSWER
        _one_call(settings, watch, head)


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_leads_anywhere(settings: Settings, watch: Watch, header: str) -> None:
    _one_call(settings, watch, f"HTTP/1.1 200 OK\r\n{header}\r\n".encode() + ANSWER)


def _one_call(settings: Settings, watch: Watch, answer: bytes) -> None:
    """One connection, to the listener, and nothing that it says leads to another."""
    with listening(settings, [answer]) as listener:
        host, port = listener.host.split(":")
        watch.allowed, watch.connections = {(host, int(port))}, []
        call(f"http://{listener.host}{PATH}", nowhere)
        assert watch.connections == [(host, int(port))]
        assert len(listener.received) == 1


def test_the_watch_sees_a_connection_that_is_not_allowed(watch: Watch) -> None:
    error = call(f"https://{ALLOWED}{PATH}", lambda _host, _port: [PUBLIC])
    assert isinstance(error, NotSentError)
    assert watch.connections == [(PUBLIC, 443)]
    assert ipaddress.ip_address(PUBLIC).is_global
