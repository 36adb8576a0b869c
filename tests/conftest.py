"""A small world for every test: a key ring, a sandbox of the platform, people and their rows."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from instances import vault
from instances.models import Instance, Membership, Organization, Role
from instances.operations import SecretPair, request_instance
from instances.secret import Secret
from instances.vault import keyring
from sandbox.running import Account, Sandbox

RING = json.dumps({"primary": "t1", "keys": {"t1": base64.b64encode(b"t" * 32).decode()}})

MakeUser = Callable[..., User]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The platform, on the loopback; each test takes an account of its own in it."""
    with Sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def test_settings(settings: Settings) -> Iterator[None]:
    """A key ring of the tests, quick periods, and a first read of the ring in every test."""
    settings.VAULT = {"KEYRING": RING, "KEYRING_FILE": ""}
    settings.ENGINE = {
        **settings.ENGINE,
        "CALL_SECONDS": 5.0,
        "LEASE_SECONDS": 30.0,
        "SETTLE_SECONDS": 0.0,
        "LOOK_PAUSES": [0.0],
        "CALLS_IN_FLIGHT": 4,
    }
    keyring.ring.cache_clear()
    yield
    keyring.ring.cache_clear()


@pytest.fixture
def account(sandbox: Sandbox, settings: Settings) -> Account:
    """An account of the platform that no other test sees."""
    host = sandbox.base_url.removesuffix("/elements/api-v2")
    settings.EGRESS = {"API_HOSTS": host, "CA_BUNDLE": ""}
    return sandbox.new_account()


@pytest.fixture
def make_user(db: None) -> MakeUser:
    """Make a person, by user name; without a usable password unless one is given."""

    def make(username: str, **fields: object) -> User:
        return User.objects.create_user(username, f"{username}@example.com", **fields)

    return make


@pytest.fixture
def organization(account: Account, sandbox: Sandbox, db: None) -> Organization:
    """An organization with the secrets of `account`."""
    row = Organization(
        name=f"Organization {account.id}",
        base_url=sandbox.base_url,
        secrets_set_at=timezone.now(),
    )
    row.user_secret = vault.seal(row, "user_secret", account.user_secret)
    row.organization_secret = vault.seal(row, "organization_secret", account.organization_secret)
    row.save(force_insert=True)
    return row


@pytest.fixture
def member(organization: Organization, make_user: MakeUser) -> Callable[..., User]:
    """Make a member of `organization` in a role, operator if not said."""

    def make(role: Role = Role.OPERATOR, username: str = "") -> User:
        user = make_user(username or f"{role}-{uuid.uuid4().hex[:6]}")
        Membership.objects.create(user=user, organization=organization, role=role)
        return user

    return make


@pytest.fixture
def operator(member: Callable[..., User]) -> User:
    """An operator of `organization`."""
    return member(Role.OPERATOR, "olivia")


@pytest.fixture
def ask(organization: Organization, operator: User, account: Account) -> Callable[..., Instance]:
    """Ask for an instance as the form does; credentials of the account's Zuora sandbox."""

    def request(**changes: object) -> Instance:
        asked: dict[str, object] = {
            "requester": operator,
            "organization": organization,
            "element_key": "zuorav2",
            "name": "Billing sandbox",
            "configuration": {
                "zuorav2.sandbox": True,
                "username": account.sandbox.username,
                "password": account.sandbox.password,
            },
            "tag_names": ["billing"],
            "client_request_id": uuid.uuid4(),
        }
        return request_instance(**{**asked, **changes})  # type: ignore[arg-type]

    return request


@pytest.fixture
def pair() -> SecretPair:
    """Two secrets as somebody types them."""
    return SecretPair(Secret("typed-user-secret"), Secret("typed-organization-secret"))
