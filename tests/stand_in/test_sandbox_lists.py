"""The sandbox lists instances as the platform does: by tag, by text, page by page."""

import base64
import json

import requests

from sandbox.running import Account, Sandbox
from tests.stand_in.wishes import Call


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
