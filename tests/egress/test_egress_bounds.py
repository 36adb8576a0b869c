"""What a remote that lies can take: time and memory have an end."""

import gzip
import time
import zlib

import pytest
from pytest_django import Settings

from instances.cloud_elements import (
    OutcomeUnknownError,
    UnavailableError,
)
from sandbox.running import Account, Sandbox
from tests.egress.listening import (
    MEGABYTE,
    REQUEST,
    client_of,
    endless,
    error_of,
    grown_by,
    listening,
    ok,
    request_for,
)


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
