"""The sandbox gives answers that are wrong, huge or not what was asked for."""

import contextlib

import pytest
import requests

from sandbox import corpus, hostile
from sandbox.running import Account
from tests.stand_in.wishes import Call, last_create, post


@pytest.mark.parametrize("kind", corpus.KINDS)
def test_garbage_commits_and_reaches_the_client(call: Call, account: Account, kind: str) -> None:
    account.fault("garbage", kind=kind)
    with contextlib.suppress(requests.RequestException):
        post(call, account)
    assert account.only_instance()
    entry = last_create(account)
    assert entry.faults == [f"garbage (kind={kind})"]
    assert entry.bytes_sent > 0


def test_garbage_corpus_is_large_enough() -> None:
    assert len(corpus.KINDS) >= 60


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_hostile_json_is_made_of_the_true_answer(call: Call, account: Account, kind: str) -> None:
    account.fault("hostile json", kind=kind)
    answer = post(call, account)
    assert answer.status_code == 200
    assert account.only_instance()["token"] in answer.text


def test_huge_answer_has_the_promised_size(call: Call, account: Account) -> None:
    account.fault("huge", megabytes=3)
    answer = post(call, account)
    assert answer.json()["id"] == account.only_instance()["id"]
    assert len(answer.content) > 3_000_000


def test_gzip_bomb_is_small_on_the_wire(call: Call, account: Account) -> None:
    account.fault("gzip bomb", megabytes=20)
    assert len(post(call, account).content) > 20_000_000
    assert last_create(account).bytes_sent < 100_000


# Lists


def test_list_lag_hides_a_new_instance_from_lists_only(call: Call, account: Account) -> None:
    account.fault("list lag", seconds=60)
    number = post(call, account).json()["id"]
    assert call("GET", "/instances").status_code == 404
    assert call("GET", f"/instances/{number}").status_code == 200


def test_list_ignores_the_filter(call: Call, account: Account) -> None:
    account.add_instance(tags=["a"])
    account.fault("list ignores filter")
    assert len(call("GET", "/instances", params={"tags[]": "b"}).json()) == 1
    assert call("GET", "/instances", params={"tags[]": "b"}).status_code == 404


def test_stripped_tags_can_join_a_lost_answer(call: Call, account: Account) -> None:
    account.fault("strip tags")
    account.fault("commit then drop")
    with pytest.raises(requests.ConnectionError):
        post(call, account)
    assert account.only_instance()["tags"] == []
    assert last_create(account).faults == ["strip tags", "commit then drop"]


def test_list_404_comes_from_a_proxy(call: Call, account: Account) -> None:
    account.fault("list 404 html")
    answer = call("GET", "/instances")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html")


def test_second_page_fails(call: Call, account: Account) -> None:
    account.set(page_size=1)
    account.add_instance()
    account.add_instance()
    account.fault("list pages fail", times=None)
    token = call("GET", "/instances").headers["Elements-Next-Page-Token"]
    assert call("GET", "/instances", params={"nextPage": token}).status_code == 500


def test_unmasked_secrets_show(call: Call, account: Account) -> None:
    account.fault("unmasked")
    shown = post(call, account).json()["configuration"]
    assert shown["password"] == account.sandbox.password


# Which request is struck
