"""The sandbox's other calls: who may call, the catalog, ping, objects, identity, error bodies."""

import re

import pytest
import requests

from sandbox.running import Account, Sandbox
from tests.stand_in.wishes import Call

BAD_SECRETS = "Invalid Organization or User secret, or invalid Element token provided."


# Who may call


@pytest.mark.parametrize(
    "form",
    [
        "User {u}, Organization {o}",
        "Organization {o}, User {u}",
        "user {u},organization {o}",
        "User {u}, Organization {o}, Element whatever",
    ],
)
def test_parts_of_the_header_come_in_any_order_and_case(
    sandbox: Sandbox, account: Account, form: str
) -> None:
    header = form.format(u=account.user_secret, o=account.organization_secret)
    answer = requests.get(
        f"{sandbox.base_url}/organizations/me", headers={"authorization": header}, timeout=20
    )
    assert answer.json()["id"] == account.organization_id


@pytest.mark.parametrize("header", ["", "User a, Organization b", "Bearer c", "nonsense"])
def test_wrong_secrets_have_one_text(call: Call, header: str) -> None:
    answer = call("GET", "/instances", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["message"]) == (401, BAD_SECRETS)


def test_element_and_token_name_the_same_part(call: Call, account: Account) -> None:
    token = account.add_instance()["token"]
    for name in ("Element", "Token", "element", "Element:"):
        header = {"Authorization": f"User {account.user_secret}, {name} {token}"}
        assert call("GET", "/ping", headers=header).status_code == 200


def test_another_users_token_is_refused(call: Call, sandbox: Sandbox) -> None:
    token = sandbox.new_account().add_instance()["token"]
    assert call("GET", "/ping", token).status_code == 401


def test_login_leads_to_the_secrets(call: Call, account: Account) -> None:
    login = {"username": account.login, "password": account.login_password}
    bearer = call("POST", "/authentication", json=login).json()["token"]
    header = {"Authorization": f"Bearer {bearer}"}
    assert call("GET", "/authentication/secrets", headers=header).json() == {
        "userSecret": account.user_secret,
        "organizationSecret": account.organization_secret,
    }


def test_login_with_a_wrong_password_is_refused(call: Call, account: Account) -> None:
    login = {"username": account.login, "password": "wrong"}
    assert call("POST", "/authentication", json=login).status_code == 401


def test_reset_secrets_shut_the_old_ones_out(call: Call, account: Account) -> None:
    old = account.authorization
    account.reset_secrets()
    header = {"Authorization": old}
    assert call("GET", "/organizations/me", headers=header).status_code == 401
    assert call("GET", "/organizations/me").status_code == 200


def test_identity_has_id_name_and_secret(call: Call, account: Account) -> None:
    assert call("GET", "/organizations/me").json() == {
        "id": account.organization_id,
        "name": account.organization_name,
        "secret": account.organization_secret,
    }


# Error bodies


def test_request_id_is_in_the_body_and_in_the_header(call: Call) -> None:
    answer = call("GET", "/instances/1")
    request_id = answer.json()["requestId"]
    assert re.fullmatch("[0-9a-f]{24}", request_id)
    assert answer.headers["Elements-Request-Id"] == request_id


def test_wrong_verb_says_what_is_allowed(call: Call) -> None:
    answer = call("DELETE", "/elements")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_json_must_be_accepted_and_sent(call: Call) -> None:
    assert call("GET", "/instances", headers={"Accept": "text/html"}).status_code == 406
    sent = call("POST", "/instances", data="a=1", headers={"Content-Type": "text/plain"})
    assert sent.status_code == 415


def test_large_bodies_are_refused(call: Call, account: Account) -> None:
    account.set(body_limit=100)
    assert call("POST", "/instances", json={"name": "n" * 100}).status_code == 413


def test_rate_limit_names_a_wait(call: Call, account: Account) -> None:
    account.set(rate_limit=0.5, rate_limit_retry_after="7")
    statuses = [call("GET", "/organizations/me") for _ in range(3)]
    assert statuses[-1].status_code == 429
    assert statuses[-1].headers["Retry-After"] == "7"


# The catalog


def test_catalog_offers_elements_of_every_shape(call: Call) -> None:
    found = call("GET", "/elements").json()
    assert len(found) >= 8
    assert {"basic", "apiKey", "oauth1", "oauth2", "custom", "none"} <= {
        each["authentication"]["type"] for each in found
    }


def test_catalog_can_be_paged_abridged_and_filtered(call: Call) -> None:
    assert len(call("GET", "/elements?pageSize=3").json()) == 3
    (only,) = call("GET", "/elements", params={"abridged": "true", "where": "key='jira'"}).json()
    assert only["key"] == "jira"
    assert "configuration" not in only


def test_element_is_found_by_key_and_by_number(call: Call) -> None:
    assert "zuorav2" in call("GET", "/elements/keys").json()
    assert call("GET", "/elements/2245").json()["key"] == "zuorav2"
    assert call("GET", "/elements/zuorav2").json()["id"] == 2245
    assert call("GET", "/elements/nothing").status_code == 404


def test_configuration_metadata_tells_the_groups(call: Call) -> None:
    items = {each["key"]: each for each in call("GET", "/elements/zuorav2/configuration").json()}
    assert items["authentication.type"]["groupControl"] is True
    assert items["clientSecret"]["groupName"] == "custom"
    assert items["username"]["required"] is True


def test_fields_follow_the_authentication_type(call: Call) -> None:
    path = "/elements/zuorav2/authentication-types"
    types = call("GET", path).json()
    assert types["defaultValue"] == "basic"
    assert [each["value"] for each in types["options"]] == ["basic", "custom"]
    keys = {each["key"] for each in call("GET", f"{path}/custom/configurations").json()}
    assert {"clientId", "clientSecret", "zuorav2.sandbox"} <= keys
    assert not {"username", "password", "base.url"} & keys


def test_element_metadata_tells_about_events(call: Call) -> None:
    assert call("GET", "/elements/2245/metadata").json()["events"]["supported"] is True


def test_hubs_are_listed(call: Call) -> None:
    assert "payment" in call("GET", "/hubs/keys").json()
    assert {"key": "payment", "name": "Payment"} in call("GET", "/hubs").json()
    assert call("GET", "/hubs/payment/elements").json()[0]["key"] == "zuorav2"


def test_private_clone_shares_its_key(call: Call, account: Account) -> None:
    account.set(private_clone=True)
    assert call("GET", "/elements/zuorav2").json()["id"] == 9380
    assert call("GET", "/elements/keys").json().count("zuorav2") == 1


# What an instance's token opens


@pytest.mark.parametrize("path", ["/ping", "/hubs/payment/ping", "/hubs/nonsense/ping"])
def test_ping_answers_with_time_and_endpoint(call: Call, account: Account, path: str) -> None:
    instance = account.add_instance()
    answer = call("GET", path, instance["token"])
    assert set(answer.json()) == {"dateTime", "endpoint"}
    assert answer.headers["elements-element-instance-id"] == str(instance["id"])


def test_objects_are_named_or_detailed(call: Call, account: Account) -> None:
    token = account.add_instance()["token"]
    assert "invoices" in call("GET", "/objects", token).json()
    detailed = call("GET", "/objects", token, headers={"Elements-Version": "Helium"}).json()
    assert set(detailed[0]) == {"name", "vendorName", "type"}
    assert call("GET", "/objects/invoices/metadata", token).json()["fields"]


@pytest.mark.parametrize("hub", ["/hubs/payment", "/hubs/crm", ""])
def test_hub_of_a_resource_is_ignored(call: Call, account: Account, hub: str) -> None:
    token = account.add_instance()["token"]
    assert len(call("GET", f"{hub}/products?pageSize=1", token).json()) == 1


def test_disabled_instance_answers_only_objects(call: Call, account: Account) -> None:
    token = account.add_instance(disabled=True)["token"]
    assert call("GET", "/hubs/payment/products", token).status_code == 403
    assert call("GET", "/objects", token).status_code == 200


def test_token_of_a_deleted_instance_is_refused(call: Call, account: Account) -> None:
    instance = account.add_instance()
    account.remove_instance(instance["id"])
    answer = call("GET", "/ping", instance["token"])
    assert (answer.status_code, answer.json()["message"]) == (401, BAD_SECRETS)
