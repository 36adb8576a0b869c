"""What the tests of the sandbox ask it for."""

from collections.abc import Callable
from typing import Any

import requests

from sandbox.running import Account, Entry

Call = Callable[..., requests.Response]


def zuora(account: Account, **fields: Any) -> dict[str, Any]:
    """Give the seed page's request body, filled in."""
    configuration = {
        "zuorav2.sandbox": True,
        "username": account.sandbox.username,
        "password": account.sandbox.password,
    }
    body = {"element": {"key": "zuorav2"}, "configuration": configuration, "name": "Test"}
    return body | {"tags": ["mine"]} | fields


def post(call: Call, account: Account, **options: Any) -> requests.Response:
    return call("POST", "/instances", json=zuora(account), **options)


def last_create(account: Account) -> Entry:
    return [each for each in account.ledger() if each.method == "POST"][-1]


def created(call: Call, account: Account, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = call("POST", "/instances", json=zuora(account, **fields)).json()
    return document
