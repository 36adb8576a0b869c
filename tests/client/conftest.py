"""The platform's client against the sandbox: what is sent, what is read, how failures are named: where its tests begin."""

import pytest

from instances.cloud_elements import (
    CloudElementsClient,
    CreateInstance,
    Credentials,
)
from instances.secret import Secret
from sandbox.running import Account, Sandbox
from tests.client.calls import Connect


@pytest.fixture
def connect(account: Account, sandbox: Sandbox) -> Connect:
    """Make a client for `account`; five seconds for a call if not said."""

    def make(*, user_secret: str = "", seconds: float = 5.0) -> CloudElementsClient:
        credentials = Credentials(
            Secret(user_secret or account.user_secret), Secret(account.organization_secret)
        )
        return CloudElementsClient(sandbox.base_url, credentials, seconds=seconds)

    return make


@pytest.fixture
def client(connect: Connect) -> CloudElementsClient:
    return connect()


@pytest.fixture
def basic(account: Account) -> CreateInstance:
    """The guide's own request, for the account's Zuora sandbox."""
    login = account.sandbox
    configuration: dict[str, str | bool] = {
        "zuorav2.sandbox": True,
        "username": login.username,
        "password": login.password,
    }
    return CreateInstance("zuorav2", "Test", ("one", "two"), configuration)
