"""The sandbox changes and deletes instances as the public sources describe."""

import pytest

from sandbox.catalog import MASK
from sandbox.running import Account
from tests.stand_in.wishes import Call, created


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
