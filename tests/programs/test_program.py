"""A program written from docs/api.md alone: it creates an instance and uses its token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from sandbox.running import Account, Sandbox
from tests.cases import work
from tests.programs.conftest import MakeKey

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.once,
]


@contextmanager
def a_worker() -> Iterator[None]:
    """Do what is due in the background, as a worker beside the server does."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.2):
            work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_it_creates_an_instance_and_uses_its_token(
    live_server: LiveServer, make_key: MakeKey, account: Account, sandbox: Sandbox
) -> None:
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {make_key()[1]}"
    body = {
        "element": {"key": "zuorav2"},
        "name": "Billing sandbox",
        "tags": ["billing"],
        "configuration": {
            "zuorav2.sandbox": True,
            "username": account.sandbox.username,
            "password": account.sandbox.password,
        },
    }
    base, once = f"{live_server.url}/api/v1", {"Idempotency-Key": "nightly-2026-11-30"}
    with a_worker():
        asked = api.post(f"{base}/instances", json=body, headers=once, timeout=30)
        operation = asked.json()
        for _ in range(4):
            answer = api.get(f"{base}/operations/{operation['id']}?wait=30", timeout=60)
            if answer.json()["is_final"]:
                break
    assert (asked.status_code, answer.json()["state"]) == (202, "succeeded")
    repeated = api.post(f"{base}/instances", json=body, headers=once, timeout=30)
    assert repeated.json()["id"] == operation["id"]
    token = api.post(f"{base}/instances/{operation['instance_id']}/token", timeout=30).json()
    header = token["header"].replace("<USER_SECRET>", account.user_secret)
    used = requests.get(f"{sandbox.base_url}/ping", headers={"Authorization": header}, timeout=30)
    assert used.status_code == 200
