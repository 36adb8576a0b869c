"""The sandbox's instances: created, listed, changed and deleted as the public sources describe."""

import base64
import json

import pytest

from sandbox.running import Account
from tests.stand_in.wishes import Call, created, zuora

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
