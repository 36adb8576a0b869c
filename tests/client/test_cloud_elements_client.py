"""What is sent to the platform, and what is read from its answers."""

import json

import pytest

from instances.cloud_elements import (
    CloudElementsClient,
    CreateInstance,
    MaskedValueError,
    NotSentError,
)
from sandbox.running import Account
from tests.client.calls import Connect, only_post


def test_request_equals_the_guide(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    client.create_instance(basic)
    entry = only_post(account)
    assert (entry.path, entry.query) == ("/instances", [])
    assert json.loads(entry.body) == basic.as_json()
    assert list(json.loads(entry.body)) == ["element", "configuration", "tags", "name"]
    headers = dict(entry.headers)
    assert headers["Authorization"] == account.authorization
    assert headers["Content-Type"] == headers["Accept"] == "application/json"


def test_custom_authentication_goes_out_as_given(
    client: CloudElementsClient, account: Account
) -> None:
    login = account.production
    configuration: dict[str, str | bool] = {
        "zuorav2.sandbox": False,
        "authentication.type": "custom",
        "clientId": login.client_id,
        "clientSecret": login.client_secret,
    }
    client.create_instance(CreateInstance("zuorav2", "Custom", (), configuration))
    assert list(json.loads(only_post(account).body)["configuration"].items()) == list(
        configuration.items()
    )


def test_tag_filter_asks_for_the_light_list(client: CloudElementsClient, account: Account) -> None:
    client.find_instances(tag="a b&c")
    assert account.ledger()[-1].query == [["tags[]", "a b&c"], ["hydrate", "false"]]


@pytest.mark.parametrize("mask", ["********", "*" * 12, " ******** "])
def test_mask_never_goes_out(client: CloudElementsClient, account: Account, mask: str) -> None:
    request = CreateInstance("zuorav2", "Test", (), {"username": "a", "password": mask})
    with pytest.raises(MaskedValueError):
        client.create_instance(request)
    assert account.ledger() == []


def test_secret_that_no_header_can_hold_is_not_sent(connect: Connect, account: Account) -> None:
    with pytest.raises(NotSentError) as caught:
        connect(user_secret="one\r\nX-Two: 2").identify()
    assert caught.value.error_class == "unsendable"
    assert "Two" not in str(caught.value)
    assert account.ledger() == []


def test_created_instance_is_read(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    remote = client.create_instance(basic)
    true = account.only_instance()
    assert (remote.remote_id, remote.token.reveal()) == (true["id"], true["token"])
    assert (remote.name, remote.tags, remote.is_valid) == ("Test", ("one", "two"), True)
    assert remote.element["hub"] == "payment"
    assert remote.remote_created_at is not None


def test_unmasked_echo_is_masked(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    account.fault("unmasked")
    remote = client.create_instance(basic)
    assert remote.configuration["password"] == "********"
    assert remote.configuration["username"] == account.sandbox.username


def test_instance_is_read_back(client: CloudElementsClient, basic: CreateInstance) -> None:
    created = client.create_instance(basic)
    read = client.get_instance(created.remote_id)
    assert read.token.reveal() == created.token.reveal()


def test_all_pages_of_a_list_are_read(client: CloudElementsClient, account: Account) -> None:
    account.set(page_size=2)
    planted = [account.add_instance(element="zuorav2", name=f"n{n}")["id"] for n in range(5)]
    found = client.find_instances()
    assert [each.remote_id for each in found] == planted
    assert all(each.token and each.element_key == "zuorav2" for each in found)


@pytest.mark.parametrize("status", [200, 404])
def test_empty_list_is_empty(client: CloudElementsClient, account: Account, status: int) -> None:
    account.set(empty_list_status=status)
    assert client.find_instances(search_text="nothing like it") == []


def test_account_is_identified(client: CloudElementsClient, account: Account) -> None:
    assert client.identify() == str(account.organization_id)


def test_account_that_may_not_be_read_is_accepted(
    client: CloudElementsClient, account: Account
) -> None:
    account.fault("refuse identity")
    assert client.identify() == ""
