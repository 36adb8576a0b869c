"""The sandbox's instances: created, listed, changed and deleted as the public sources describe."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox.catalog import MASK
from sandbox.running import Account, Sandbox

Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return sandbox.new_account()


def zuora(account: Account, **fields: Any) -> dict[str, Any]:
    """Give the seed page's request body, filled in."""
    configuration = {
        "zuorav2.sandbox": True,
        "username": account.sandbox.username,
        "password": account.sandbox.password,
    }
    body = {"element": {"key": "zuorav2"}, "configuration": configuration, "name": "Test"}
    return body | {"tags": ["mine"]} | fields


# The keys of the successful response that the seed page shows.
SEED_KEYS = {
    "id",
    "name",
    "token",
    "element",
    "provisionInteractions",
    "valid",
    "disabled",
    "maxCacheSize",
    "cacheTimeToLive",
    "configuration",
    "eventsEnabled",
    "traceLoggingEnabled",
    "cachingEnabled",
    "externalAuthentication",
}
SEED_ELEMENT = {
    "id",
    "name",
    "hookName",
    "key",
    "description",
    "image",
    "active",
    "deleted",
    "typeOauth",
    "trialAccount",
    "resources",
    "transformationsEnabled",
    "bulkDownloadEnabled",
    "bulkUploadEnabled",
    "cloneable",
    "beta",
    "authentication",
    "hub",
    "protocolType",
    "parameters",
    "private",
}
SEED_CONFIGURATION = {
    "base.url": "https://rest.zuora.com/v1",
    "bulk.add_metadata": None,
    "event.notification.subscription.id": None,
    "bulk.query.field_name": "CreatedDate",
    "pagination.max": "2000",
    "zuorav2.sandbox": "true",
    "event.vendor.type": "webhooks",
    "bulk.query.operator": ">=",
    "bulk.query.date_mask": "yyyy-MM-dd'T'HH:mm:ss'Z'",
    "bulk.query.download_format": "JSON",
    "password": "********",
    "event.notification.instance.finder": "",
    "pagination.type": "cursor",
    "bulk.relations": None,
    "event.notification.callback.url": None,
    "event.notification.enabled": "false",
}


def created(call: Call, account: Account, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = call("POST", "/instances", json=zuora(account, **fields)).json()
    return document


# Creating


def test_older_shape_has_exactly_the_seed_pages_keys(call: Call, account: Account) -> None:
    account.set(older_shape=True)
    instance = created(call, account)
    assert set(instance) == SEED_KEYS
    assert set(instance["element"]) == SEED_ELEMENT


def test_newer_shape_adds_date_element_id_tags_and_user(call: Call, account: Account) -> None:
    added = {"createdDate", "elementId", "tags", "user"}
    assert set(created(call, account)) == SEED_KEYS | added


def test_configuration_is_completed_and_masked_as_on_the_seed_page(
    call: Call, account: Account
) -> None:
    expected = SEED_CONFIGURATION | {"username": account.sandbox.username}
    assert created(call, account)["configuration"] == expected


def test_token_is_44_characters_of_base64(call: Call, account: Account) -> None:
    token = created(call, account)["token"]
    assert len(token) == 44
    assert len(base64.b64decode(token, validate=True)) == 32


def test_element_path_creates_without_an_element_in_the_body(call: Call, account: Account) -> None:
    body = zuora(account)
    del body["element"]
    assert call("POST", "/elements/zuorav2/instances", json=body).status_code == 200


def test_custom_authentication_takes_the_client_of_the_production_tenant(
    call: Call, account: Account
) -> None:
    tenant = account.production
    custom = {
        "authentication.type": "custom",
        "clientId": tenant.client_id,
        "clientSecret": tenant.client_secret,
    }
    shown = created(call, account, configuration=custom)["configuration"]
    assert (shown["clientId"], shown["clientSecret"]) == (tenant.client_id, "********")


def test_every_missing_entry_is_named(call: Call, account: Account) -> None:
    answer = call("POST", "/instances", json=zuora(account, configuration={}))
    assert answer.status_code == 400
    assert answer.json()["message"].endswith(": username, password")


def test_missing_entries_follow_the_chosen_authentication(call: Call, account: Account) -> None:
    chosen = {"authentication.type": "custom", "clientId": "a"}
    answer = call("POST", "/instances", json=zuora(account, configuration=chosen))
    assert answer.json()["message"].endswith(": clientSecret")


def test_wrong_credentials_make_no_instance_and_quote_zuora(call: Call, account: Account) -> None:
    body = zuora(account)
    body["configuration"] |= {"password": "wrong"}
    answer = call("POST", "/instances", json=body)
    assert answer.status_code == 401
    assert "90000011" in answer.json()["providerMessage"]
    assert account.instances() == []


def test_sandbox_credentials_are_wrong_for_production(call: Call, account: Account) -> None:
    body = zuora(account)
    body["configuration"]["zuorav2.sandbox"] = False
    assert call("POST", "/instances", json=body).status_code == 401


def test_oauth_element_asks_for_a_code(call: Call, account: Account) -> None:
    keys = {"oauth.api.key": "k", "oauth.api.secret": "s", "oauth.callback.url": "https://a.test"}
    body = {"element": {"key": "sfdc"}, "configuration": keys, "name": "Sales"}
    assert "OAuth code" in call("POST", "/instances", json=body).json()["message"]


def test_element_without_requirements_needs_only_a_name(call: Call) -> None:
    body = {"element": {"key": "echo"}, "name": "Echo"}
    assert call("POST", "/instances", json=body).status_code == 200


def test_seed_pages_comment_is_malformed_json(call: Call) -> None:
    body = '{"name": "a" // a comment\n}'
    answer = call("POST", "/instances", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"requestId", "message"}


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_body_must_be_an_object(call: Call, body: object) -> None:
    answer = call(
        "POST",
        "/instances",
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400


def test_unknown_element_is_not_found(call: Call, account: Account) -> None:
    answer = call("POST", "/instances", json=zuora(account, element={"key": "nothing"}))
    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "No element found with key nothing",
    )


def test_same_name_twice_makes_two_instances(call: Call, account: Account) -> None:
    assert created(call, account)["id"] != created(call, account)["id"]


def test_name_is_the_only_tag_when_none_is_sent(call: Call, account: Account) -> None:
    instance = created(call, account, tags=[], name="<b>Billing</b> EU")
    assert (instance["name"], instance["tags"]) == ("Billing EU", ["Billing EU"])


def test_at_word_of_the_name_becomes_a_tag(call: Call, account: Account) -> None:
    assert created(call, account, name="Billing @team")["tags"] == ["mine", "team"]


def test_at_words_can_be_switched_off(call: Call, account: Account) -> None:
    account.set(at_word_becomes_tag=False)
    assert created(call, account, name="Billing @team")["tags"] == ["mine"]


# Listing


def test_empty_list_is_a_404(call: Call) -> None:
    answer = call("GET", "/instances")
    assert (answer.status_code, answer.json()["message"]) == (404, "No element instances found")


def test_list_is_filtered_by_every_tag(call: Call, account: Account) -> None:
    account.add_instance(name="one", tags=["a"])
    account.add_instance(name="two", tags=["a", "b"])
    found = call("GET", "/instances", params={"tags[]": ["a", "b"]}).json()
    assert [each["name"] for each in found] == ["two"]


def test_search_looks_into_name_and_element_key(call: Call, account: Account) -> None:
    account.add_instance(name="Billing")
    account.add_instance(name="Support", element="jira")
    for text in ("bill", "ZUORA"):
        found = call("GET", "/instances", params={"searchText": text}).json()
        assert [each["name"] for each in found] == ["Billing"]


def test_search_heeds_case_by_switch(call: Call, account: Account) -> None:
    account.add_instance(name="Billing")
    account.set(search_ignores_case=False)
    assert call("GET", "/instances", params={"searchText": "billing"}).status_code == 404
    assert call("GET", "/instances", params={"searchText": "Billing"}).status_code == 200


def test_light_list_keeps_the_token_and_leaves_the_configuration(
    call: Call, account: Account
) -> None:
    account.add_instance()
    (light,) = call("GET", "/instances", params={"hydrate": "false"}).json()
    assert light["element"]["authentication"] == {"type": "basic"}
    assert "configuration" not in light
    assert light["token"]


def test_pages_follow_the_token_until_it_is_absent(call: Call, account: Account) -> None:
    for number in range(5):
        account.add_instance(name=str(number))
    names, params = [], {"pageSize": "2"}
    while params:
        answer = call("GET", "/instances", params=params)
        names += [each["name"] for each in answer.json()]
        token = answer.headers.get("elements-next-page-token")
        params = {"nextPage": token} if token else {}
    assert names == ["0", "1", "2", "3", "4"]
    assert answer.headers["elements-returned-count"] == "1"
    assert answer.headers["elements-total-count"] == "5"


def test_page_token_is_unpadded_base64_of_json(call: Call, account: Account) -> None:
    account.add_instance()
    account.add_instance()
    token = call("GET", "/instances?pageSize=1").headers["Elements-Next-Page-Token"]
    assert "=" not in token
    padded = token + "=" * (-len(token) % 4)
    assert json.loads(base64.b64decode(padded)) == {"pageSize": 1, "page": 2}


def test_list_of_an_element_leaves_others_out(call: Call, account: Account) -> None:
    account.add_instance(name="Billing")
    assert len(call("GET", "/elements/zuorav2/instances").json()) == 1
    assert call("GET", "/elements/jira/instances").status_code == 404


def test_count_counts_live_instances(call: Call, account: Account) -> None:
    account.add_instance()
    assert call("GET", "/instances/count").json()["totalInstances"] == 1


def test_another_user_of_the_organization_does_not_see_it(
    sandbox: Sandbox, account: Account
) -> None:
    account.add_instance()
    headers = {"Authorization": account.add_user().authorization}
    url = f"{sandbox.base_url}/instances"
    assert requests.get(url, headers=headers, timeout=20).status_code == 404


# One instance


@pytest.mark.parametrize("form", ["/instances/{id}", "/elements/zuorav2/instances/{id}"])
def test_both_addresses_read_change_and_delete(call: Call, account: Account, form: str) -> None:
    path = form.format(id=account.add_instance(name="Old")["id"])
    assert call("GET", path).json()["name"] == "Old"
    assert call("PUT", path, json={"name": "Newer"}).json()["name"] == "Newer"
    assert call("PATCH", path, json={"name": "Newest"}).json()["name"] == "Newest"
    assert call("DELETE", path).status_code == 200
    assert call("GET", path).status_code == 404


def test_element_in_the_path_must_be_the_instances_own(call: Call, account: Account) -> None:
    number = account.add_instance()["id"]
    assert call("GET", f"/elements/jira/instances/{number}").status_code == 404


def test_token_addresses_change_disable_and_delete(call: Call, account: Account) -> None:
    token = account.add_instance()["token"]
    assert call("PATCH", "/instances", token, json={"name": "New"}).json()["name"] == "New"
    assert call("DELETE", "/instances/enabled", token).json()["disabled"] is True
    assert call("PUT", "/instances/enabled", token).json()["disabled"] is False
    assert call("DELETE", "/instances", token).status_code == 200
    assert account.instances() == []


def test_unknown_and_odd_ids_are_told_apart(call: Call) -> None:
    answer = call("GET", "/instances/99999999")
    assert answer.json()["message"] == "No element instance found with ID 99999999"
    assert answer.status_code == 404
    assert call("GET", "/instances/abc").status_code == 400


def test_patched_tags_replace_all(call: Call, account: Account) -> None:
    path = f"/instances/{account.add_instance(tags=['a', 'b'])['id']}"
    assert call("PATCH", path, json={"tags": ["c"]}).json()["tags"] == ["c"]
    assert call("PUT", path, json={"tags": []}).json()["tags"] == []


def test_masks_sent_back_keep_the_secret(call: Call, account: Account) -> None:
    whole = created(call, account)
    assert call("PUT", f"/instances/{whole['id']}", json=whole).status_code == 200
    kept = account.only_instance()["configuration"]["password"]
    assert kept == account.sandbox.password


def test_masks_can_be_stored_by_switch(call: Call, account: Account) -> None:
    account.set(masks_are_stored=True, wrong_credentials_accepted=True)
    whole = created(call, account)
    call("PUT", f"/instances/{whole['id']}", json=whole)
    assert account.only_instance()["configuration"]["password"] == MASK


def test_changed_credentials_are_tried_at_the_provider(call: Call, account: Account) -> None:
    path = f"/instances/{created(call, account)['id']}"
    body = {"configuration": {"password": "wrong"}}
    assert call("PATCH", path, json=body).status_code == 401
    assert call("PUT", f"{path}?reAuthenticate=false", json=body).status_code == 200


def test_events_mirror_their_configuration(call: Call, account: Account) -> None:
    path = f"/instances/{created(call, account)['id']}"
    body = {"configuration": {"event.notification.enabled": True}}
    assert call("PATCH", path, json=body).json()["eventsEnabled"] is True


@pytest.mark.parametrize("by_token", [False, True])
def test_one_configuration_item_can_be_changed(
    call: Call, account: Account, by_token: bool
) -> None:
    instance = created(call, account)
    path = "/instances" if by_token else f"/instances/{instance['id']}"
    token = instance["token"] if by_token else ""
    items = call("GET", f"{path}/configuration", token).json()
    item = next(each for each in items if each["key"] == "event.notification.callback.url")
    changed = item | {"propertyValue": "https://events.test"}
    call("PATCH", f"{path}/configuration/{item['id']}", token, json=changed)
    answer = call("GET", f"{path}/configuration/{item['id']}", token).json()
    assert answer["propertyValue"] == "https://events.test"


def test_trace_logging_is_temporary(call: Call, account: Account) -> None:
    path = f"/instances/{account.add_instance()['id']}"
    on = call("PUT", f"{path}/trace-logging", json={"duration": 1})
    assert on.json()["traceLoggingEnabled"] is True
    account.change_instance(on.json()["id"], traced_until=1.0)
    assert call("GET", path).json()["traceLoggingEnabled"] is False


def test_delete_is_refused_while_in_use(call: Call, account: Account) -> None:
    number = account.add_instance()["id"]
    account.set(delete_in_use=True)
    answer = call("DELETE", f"/instances/{number}")
    assert answer.status_code == 409
    assert "in use" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "privilege"),
    [
        ("POST", "/instances", "createElementInstances"),
        ("GET", "/instances", "viewAccountElementInstances"),
        ("PATCH", "/instances/{id}", "editAccountElementInstances"),
        ("DELETE", "/instances/{id}", "deleteAccountElementInstances"),
    ],
)
def test_withheld_privilege_is_a_403(
    call: Call, account: Account, method: str, path: str, privilege: str
) -> None:
    number = account.add_instance()["id"]
    account.set(withheld_privileges=[privilege])
    answer = call(method, path.format(id=number), json={} if method in ("POST", "PATCH") else None)
    assert answer.status_code == 403
    assert privilege in answer.json()["message"]
