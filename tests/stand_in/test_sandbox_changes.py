"""The sandbox's instances in later life: repaired, disabled, in use, at a provider that fails."""

from typing import Any

import pytest

from sandbox.running import Account
from tests.stand_in.wishes import Call


def plant(account: Account, **fields: Any) -> str:
    """Plant an instance with good credentials of the Zuora sandbox; give its path."""
    tenant = account.sandbox
    values = {
        "zuorav2.sandbox": "true",
        "username": tenant.username,
        "password": tenant.password,
    }
    return f"/instances/{account.add_instance(configuration=values, **fields)['id']}"


def test_credentials_of_the_other_group_replace_the_old_ones(call: Call, account: Account) -> None:
    path, tenant = plant(account), account.sandbox
    values = {
        "authentication.type": "custom",
        "clientId": tenant.client_id,
        "clientSecret": tenant.client_secret,
    }
    answer = call("PATCH", path, json={"configuration": values})
    assert (answer.status_code, f"/instances/{answer.json()['id']}") == (200, path)
    wrong = {"configuration": {"clientSecret": "another"}}
    assert call("PATCH", path, json=wrong).status_code == 401
    assert account.only_instance()["configuration"]["clientSecret"] == tenant.client_secret


def test_same_credentials_make_an_invalid_instance_valid_again(
    call: Call, account: Account
) -> None:
    path = plant(account, valid=False)
    values = {"password": account.sandbox.password}
    assert call("PATCH", path, json={"name": "New"}).json()["valid"] is False
    assert call("PATCH", path, json={"configuration": values}).json()["valid"] is True


def test_token_can_change_with_the_credentials(call: Call, account: Account) -> None:
    account.set(reprovision_changes_token=True, wrong_credentials_accepted=True)
    path = plant(account)
    old = account.only_instance()["token"]
    new = call("PATCH", path, json={"configuration": {"password": "new"}}).json()["token"]
    assert new == account.only_instance()["token"] != old
    assert call("GET", "/ping", old).status_code == 401


def test_null_clears_a_configuration_value(call: Call, account: Account) -> None:
    path, key = plant(account), "event.notification.callback.url"
    call("PATCH", path, json={"configuration": {key: "https://a.test"}})
    shown = call("PATCH", path, json={"configuration": {key: None}}).json()
    assert shown["configuration"][key] is None


def test_changed_credential_item_is_tried_by_switch(call: Call, account: Account) -> None:
    path = plant(account)
    items = call("GET", f"{path}/configuration").json()
    number = next(each["id"] for each in items if each["key"] == "password")
    body = {"propertyValue": "another"}
    account.set(item_change_reauthenticates=True)
    assert call("PATCH", f"{path}/configuration/{number}", json=body).status_code == 401
    account.set(item_change_reauthenticates=False)
    assert call("PATCH", f"{path}/configuration/{number}", json=body).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_second_switch_is_answered_as_the_switch_says(
    call: Call, account: Account, method: str
) -> None:
    path = f"{plant(account, disabled=method == 'PUT')}/enabled"
    assert [call(method, path).status_code for _ in range(2)] == [200, 200]
    account.set(repeated_enabled_status=409)
    assert call(method, path).status_code == 409


def test_instance_in_use_is_kept_and_its_user_named(call: Call, account: Account) -> None:
    path = plant(account, used_by=["Nightly sync"])
    refused = call("DELETE", path)
    assert (refused.status_code, "Nightly sync" in refused.json()["message"]) == (409, True)
    (formula,) = call("GET", "/formulas/instances").json()
    assert formula["configuration"] == {"element.instance": path.rpartition("/")[2]}
    account.change_instance(account.only_instance()["id"], used_by=[])
    assert call("DELETE", path).status_code == 200
    assert call("GET", "/formulas/instances").status_code == 404


def test_list_can_call_an_invalid_instance_valid(call: Call, account: Account) -> None:
    path = plant(account, valid=False)
    assert call("GET", "/instances").json()[0]["valid"] is False
    account.set(list_calls_all_valid=True)
    assert call("GET", "/instances").json()[0]["valid"] is True
    assert call("GET", path).json()["valid"] is False


@pytest.mark.parametrize("path", ["/ping", "/hubs/payment/products"])
@pytest.mark.parametrize("status", [401, 429, 503])
def test_providers_answer_comes_through(
    call: Call, account: Account, path: str, status: int
) -> None:
    plant(account, provider_status=status)
    answer = call("GET", path, account.only_instance()["token"])
    assert (answer.status_code, answer.json()["providerMessage"]) == (
        status,
        f'{{"status": {status}}}',
    )


def test_docs_show_what_the_token_opens(call: Call, account: Account) -> None:
    path = plant(account)
    token = account.only_instance()["token"]
    whole = call("GET", f"{path}/docs").json()
    assert whole == call("GET", "/instances/docs", token).json()
    assert "/product-rate-plans" in whole["paths"]
    one = call("GET", f"{path}/docs/getInvoices").json()
    assert list(one["paths"]) == ["/invoices"]
    assert call("GET", f"{path}/docs/getNothing").status_code == 404
    assert call("GET", "/elements/2245/docs").json() == whole
