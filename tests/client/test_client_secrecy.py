"""No error, text or log of a call holds a secret, and no mask leaves."""

import logging
from contextlib import suppress

import pytest

from instances.cloud_elements import (
    ChangeInstance,
    CloudElementsClient,
    CreateInstance,
    Credentials,
    MaskedValueError,
    OutcomeUnknownError,
    RejectedError,
)
from instances.secret import Secret
from sandbox.running import Account


def test_errors_hold_nothing_that_was_typed(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    planted = [account.user_secret, account.organization_secret, account.sandbox.password]
    account.fault("status", status=400, message=f"Wrong: {' '.join(planted)}\u202e\r\nend")
    with pytest.raises(RejectedError) as caught:
        client.create_instance(basic)
    shown = f"{caught.value!r} {caught.value} {vars(caught.value)}"
    assert not any(secret in shown for secret in planted)
    assert "\n" not in caught.value.platform_message
    assert "\u202e" not in caught.value.platform_message


def test_nothing_secret_is_in_the_text_of_our_objects(
    client: CloudElementsClient, basic: CreateInstance, account: Account
) -> None:
    remote = client.create_instance(basic)
    credentials = Credentials(Secret(account.user_secret), Secret(account.organization_secret))
    shown = f"{client!r} {credentials!r} {basic!r} {remote!r} {client.find_instances()!r}"
    token = account.only_instance()["token"]
    for secret in (account.user_secret, account.sandbox.password, token):
        assert secret not in shown


def test_nothing_secret_is_logged_at_the_lowest_level(
    client: CloudElementsClient,
    basic: CreateInstance,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    account.fault("garbage", kind="header without colon")
    with suppress(OutcomeUnknownError):
        client.create_instance(basic)
    shown = caplog.text + "".join(capfd.readouterr())
    assert account.sandbox.password not in shown
    assert account.user_secret not in shown


@pytest.mark.parametrize(
    "configuration",
    [
        {"password": "********"},
        {"event.notification.callback.url": "https://********@example.com"},
        {"event.notification.callback.url": "https://example.com?token=********&a=1"},
        {"instance.variables": '{"password": "********"}'},
        {"filter.response.nulls": True, "clientSecret": " ************ "},
    ],
)
def test_no_change_leaves_with_a_mask_in_it(
    client: CloudElementsClient, account: Account, configuration: dict[str, str | bool]
) -> None:
    with pytest.raises(MaskedValueError):
        client.change_instance(1, ChangeInstance(name="New", configuration=configuration))
    assert account.ledger() == []


def test_a_name_of_asterisks_is_a_name(client: CloudElementsClient, account: Account) -> None:
    number = account.add_instance(element="zuorav2", name="Old")["id"]
    client.change_instance(number, ChangeInstance(name="********", tags=("********",)))
    assert account.only_instance()["name"] == "********"


def test_an_error_about_a_change_does_not_echo_what_was_typed(
    client: CloudElementsClient, account: Account
) -> None:
    number = account.add_instance(element="zuorav2", name="Old")["id"]
    message = "Cannot use typed-and-secret here"
    account.fault("status", method="PATCH", path="/instances", status=400, message=message)
    with pytest.raises(RejectedError) as refusal:
        client.change_instance(number, ChangeInstance(configuration={"note": "typed-and-secret"}))
    assert refusal.value.platform_message == "Cannot use ******** here"
