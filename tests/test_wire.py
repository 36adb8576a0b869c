"""The request on the wire equals the platform's own guide, letter for letter."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from instances.engine import drain
from instances.engine.claims import lease
from instances.models import Instance, Operation
from sandbox.running import Account, Entry

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def sent(account: Account) -> Entry:
    """Carry out what is due, and return the one POST that the platform received."""
    for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
        drain.work_on(operation)
    (entry,) = [entry for entry in account.ledger() if entry.method == "POST"]
    return entry


def basic(account: Account, *, is_sandbox: bool) -> dict[str, Any]:
    login = account.sandbox if is_sandbox else account.production
    return {
        "zuorav2.sandbox": is_sandbox,
        "username": login.username,
        "password": login.password,
    }


def custom(account: Account, *, is_sandbox: bool) -> dict[str, Any]:
    client = account.sandbox if is_sandbox else account.production
    return {
        "zuorav2.sandbox": is_sandbox,
        "authentication.type": "custom",
        "clientId": client.client_id,
        "clientSecret": client.client_secret,
    }


@pytest.mark.parametrize("is_sandbox", [True, False])
@pytest.mark.parametrize("configured", [basic, custom])
def test_body_has_the_form_and_order_of_the_guide(
    ask: Ask, account: Account, configured: Callable[..., dict[str, Any]], is_sandbox: bool
) -> None:
    configuration = configured(account, is_sandbox=is_sandbox)
    ask(configuration=configuration, name="Test", tag_names=["one", "two"])
    entry = sent(account)
    expected = {
        "element": {"key": "zuorav2"},
        "configuration": configuration,
        "tags": ["one", "two", Operation.objects.get().tag],
        "name": "Test",
    }
    assert entry.body.decode() == json.dumps(expected)
    assert entry.status == 200


def test_head_has_both_secrets_in_one_header(ask: Ask, account: Account) -> None:
    ask()
    entry = sent(account)
    headers = dict(entry.headers)
    assert (entry.method, entry.path) == ("POST", "/instances")
    assert headers["Authorization"] == (
        f"User {account.user_secret}, Organization {account.organization_secret}"
    )
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["  Test  ", "<b>Zuora</b> & Söhne", "mail @ops", "“quoted”"])
def test_name_goes_out_as_typed(ask: Ask, account: Account, name: str) -> None:
    ask(name=name)
    assert json.loads(sent(account).body)["name"] == name
