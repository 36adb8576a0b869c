"""The sandbox's catalog: what each element asks for is what creating an instance of it needs."""

from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import elements
from sandbox.catalog import MASK
from sandbox.running import Account, Sandbox
from tests.stand_in.wishes import Call

ANSWERS = {"BOOLEAN": "true", "BOOLEAN_YESNO": "false", "TEXTAREA": "first line\nsecond line"}
WITHOUT_CONSENT = [e.key for e in elements.ELEMENTS if not e.is_oauth and e.key != "zuorav2"]


def fields_of(call: Call, key: str, kind: str = "") -> list[dict[str, Any]]:
    path = f"/elements/{key}/authentication-types"
    kind = kind or call("GET", path).json()["defaultValue"]
    found: list[dict[str, Any]] = call("GET", f"{path}/{kind}/configurations").json()
    return found


def answer(field: dict[str, Any]) -> str:
    options = field["options"]
    return str(options[0]["value"] if options else ANSWERS.get(field["type"], "something"))


def create(call: Call, key: str, configuration: dict[str, str]) -> requests.Response:
    body = {"element": {"key": key}, "name": "Any", "configuration": configuration}
    return call("POST", "/instances", json=body)


@pytest.mark.parametrize("key", WITHOUT_CONSENT)
def test_required_fields_of_the_form_are_enough(call: Call, key: str) -> None:
    needed = {f["key"]: answer(f) for f in fields_of(call, key) if f["required"]}
    assert create(call, key, needed).status_code == 200


@pytest.mark.parametrize("key", [e.key for e in elements.ELEMENTS])
def test_every_required_field_without_default_is_named_when_missing(call: Call, key: str) -> None:
    fields = fields_of(call, key)
    needed = [f["key"] for f in fields if f["required"] and f["defaultValue"] is None]
    message = create(call, key, {}).json().get("message", "")
    assert [each for each in needed if each not in message] == []
    assert message.startswith("Missing required configuration") or not needed


def test_every_type_of_the_vendors_client_is_offered(call: Call) -> None:
    kinds = {
        f["type"] for key in call("GET", "/elements/keys").json() for f in fields_of(call, key)
    }
    assert kinds >= {"TEXTFIELD_32", "TEXTFIELD_64", "TEXTFIELD_128", "TEXTFIELD_1000", "COMBO"}
    assert kinds >= {"TEXTAREA", "BOOLEAN", "BOOLEAN_YESNO", "PASSWORD", "CODE_EDITOR"}


def test_pages_of_the_catalog_show_each_element_once(call: Call) -> None:
    keys: list[str] = []
    token: str | None = ""
    while token is not None:
        found = call("GET", "/elements", params={"pageSize": "5", "nextPage": token})
        keys += [each["key"] for each in found.json()]
        token = found.headers.get("Elements-Next-Page-Token")
    assert keys == call("GET", "/elements/keys").json()


def test_internal_entries_are_marked_and_not_asked_for(call: Call) -> None:
    items = {each["key"]: each for each in call("GET", "/elements/ledgers/configuration").json()}
    assert items["ledgers.shard"]["internal"] is True
    assert "ledgers.shard" not in {each["key"] for each in fields_of(call, "ledgers")}


def test_texts_of_the_catalog_hold_html(call: Call) -> None:
    entry = call("GET", "/elements/ledgers").json()
    assert "<script>" in entry["configDescription"]
    assert "configDescription" not in create(call, "echo", {}).json()["element"]


def test_only_the_oauth_way_asks_for_consent(call: Call) -> None:
    chosen = {"authentication.type": "apiKey", "mailings.key": "k"}
    assert create(call, "mailings", chosen).json()["configuration"]["mailings.key"] == MASK
    keys = {"oauth.api.key": "k", "oauth.api.secret": "s", "oauth.callback.url": "https://a.test"}
    assert "OAuth code" in create(call, "mailings", keys).json()["message"]


def test_word_wrong_is_refused_by_every_provider(call: Call, account: Account) -> None:
    refused = create(call, "closeio", {"username": "wrong"})
    assert (refused.status_code, refused.json()["providerMessage"]) == (
        401,
        '{"error": "invalid_client"}',
    )
    assert account.instances() == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ledgers.code", "c" * 33),
        ("ledgers.currency", "XXX"),
        ("ledgers.readonly", "perhaps"),
    ],
)
def test_values_are_checked_by_switch(call: Call, account: Account, key: str, value: str) -> None:
    needed = {f["key"]: answer(f) for f in fields_of(call, "ledgers") if f["required"]}
    assert create(call, "ledgers", needed | {key: value}).status_code == 200
    account.set(values_are_checked=True)
    assert create(call, "ledgers", needed).status_code == 200
    refused = create(call, "ledgers", needed | {key: value})
    assert refused.status_code == 400
    assert key in refused.json()["message"]


def test_required_can_be_called_mandatory(call: Call, account: Account) -> None:
    account.set(required_is_called_mandatory=True)
    items = call("GET", "/elements/jira").json()["configuration"]
    assert {each["key"] for each in items if each["mandatory"]} == {
        "base.url",
        "username",
        "password",
    }
    assert not any("required" in each for each in items)


UNSEEN = {
    "key": "unseen",
    "name": "Unseen",
    "authentication": {"type": "custom"},
    "resources": ["things"],
    "configuration": [
        {"key": "unseen.id", "required": True, "type": "TEXTFIELD_64"},
        {"key": "unseen.pin", "required": True, "type": "PASSWORD"},
        {"key": "base.url", "defaultValue": "https://unseen.test", "hideFromConsole": True},
    ],
}


def test_invented_element_is_in_its_accounts_catalog_alone(
    sandbox: Sandbox, call: Call, account: Account
) -> None:
    added = account.add_element(**UNSEEN)
    assert call("GET", "/elements/unseen").json() == added
    assert [f["key"] for f in fields_of(call, "unseen")] == ["unseen.id", "unseen.pin"]
    stranger = {"Authorization": sandbox.new_account().authorization}
    assert call("GET", "/elements/unseen", headers=stranger).status_code == 404
    assert create(call, "unseen", {"unseen.id": "1"}).json()["message"].endswith(": unseen.pin")
    made = create(call, "unseen", {"unseen.id": "1", "unseen.pin": "2"}).json()
    assert made["configuration"] == {
        "base.url": "https://unseen.test",
        "unseen.id": "1",
        "unseen.pin": MASK,
    }
    assert call("GET", "/things", made["token"]).status_code == 200


def test_element_can_change_while_its_instances_stay(call: Call, account: Account) -> None:
    account.add_element(**UNSEEN)
    made = create(call, "unseen", {"unseen.id": "1", "unseen.pin": "2"}).json()
    account.add_element(key="unseen", configuration=[{"key": "unseen.new", "required": True}])
    assert call("GET", "/elements/keys").json().count("unseen") == 1
    assert create(call, "unseen", {}).json()["message"].endswith(": unseen.new")
    assert call("GET", f"/elements/unseen/instances/{made['id']}").status_code == 200


def test_known_element_can_be_changed(call: Call, account: Account) -> None:
    account.add_element(**{**UNSEEN, "key": "jira"})
    assert call("GET", "/elements/jira").json()["name"] == "Unseen"
    assert call("GET", "/elements/2186").status_code == 404


def test_invented_elements_survive_a_restart(tmp_path: Path) -> None:
    with Sandbox(folder=tmp_path) as running:
        demo = running.demo_account()
        demo.add_element(**UNSEEN)
        planted = demo.add_instance(element="unseen")
    with Sandbox(folder=tmp_path) as running:
        assert running.demo_account().only_instance() == planted
        assert (
            running.demo_account().add_instance(element="unseen")["elementId"]
            == (planted["elementId"])
        )


@pytest.mark.parametrize("path", ["", "/jira", "/jira/configuration", "/jira/authentication-types"])
def test_catalog_can_be_withheld(call: Call, account: Account, path: str) -> None:
    account.set(withheld_privileges=["viewElements"])
    assert call("GET", f"/elements{path}").status_code == 403
