"""A small world for every test: a key ring, a sandbox of the platform, people and their rows."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from instances import vault
from instances.engine import searching, telling, verifying, writer
from instances.models import (
    Instance,
    Membership,
    OperationState,
    Organization,
    Role,
)
from instances.operations import SecretPair, request_instance
from instances.secret import Secret
from instances.vault import keyring
from sandbox.running import Account, Sandbox
from tests.cases import read, work
from tests.states import put_in_state

RING = json.dumps({"primary": "t1", "keys": {"t1": base64.b64encode(b"t" * 32).decode()}})

MakeUser = Callable[..., User]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for no database, so that a run on a second one leaves it out."""
    for item in items:
        asks = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
        if not asks and not item.get_closest_marker("django_db"):
            item.add_marker("once")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Let what a test began in the background end before its rows are taken away under it."""
    for thread in (searching._thread, verifying._thread, telling._thread):
        if thread.cache_info().currsize:
            thread().submit(lambda: None).result(timeout=60)  # what was begun comes first


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The platform, on the loopback; each test takes an account of its own in it."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def no_connection_is_left(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """End what threads left open, or it keeps the test database from being dropped."""
    yield
    writer.close()
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            connection.cursor().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()


@pytest.fixture(autouse=True)
def test_settings(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A key ring and a fence of the test's own, quick periods, and a first read of the ring."""
    settings.FENCE_FILE = str(tmp_path / "fence")
    settings.AUDIT = {"HEADS_FILE": str(tmp_path / "audit-heads")}
    settings.VAULT = {"KEYRING": RING, "KEYRING_FILE": ""}
    settings.WHITENOISE_AUTOREFRESH = True  # no collected files to serve here
    settings.ENGINE = {
        **settings.ENGINE,
        "CALL_SECONDS": 5.0,
        "LEASE_SECONDS": 30.0,
        "SETTLE_SECONDS": 0.0,
        "LOOK_PAUSES": [0.0],
        "CALLS_IN_FLIGHT": 4,
        "CATALOG_EVERY": 0.0,
    }
    # The same hash as in production, but for how often it is repeated.
    settings.PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]
    # Who is signed in is not asked again who they are, nor for a second factor.
    settings.SIGN_IN = {**settings.SIGN_IN, "CHECK_SECONDS": 0.0}
    # Nothing is asked in the background of a test that is not about it.
    settings.HEALTH = {**settings.HEALTH, "LOG_EVERY": 0.0, "VERIFY_EVERY": 0.0}
    keyring.ring.cache_clear()
    yield
    keyring.ring.cache_clear()
    writer.close()


@pytest.fixture
def account(sandbox: Sandbox, settings: Settings) -> Account:
    """An account of the platform that no other test sees."""
    host = sandbox.base_url.removesuffix("/elements/api-v2")
    settings.EGRESS = {"API_HOSTS": host, "CA_BUNDLE": ""}
    return sandbox.new_account()


@pytest.fixture
def call(sandbox: Sandbox, account: Account) -> Iterator[Callable[..., requests.Response]]:
    """Make calls as the account's user does; `token` addresses an instance."""
    with requests.Session() as session:
        session.trust_env = False

        def send(method: str, path: str, token: str = "", **options: Any) -> requests.Response:
            header = account.authorization + (f", Element {token}" if token else "")
            headers = {"Authorization": header} | options.pop("headers", {})
            options = {"timeout": 20} | options
            return session.request(method, sandbox.base_url + path, headers=headers, **options)

        yield send


@pytest.fixture
def make_user(db: None) -> MakeUser:
    """Make a person, by user name; without a usable password unless one is given."""

    def make(username: str, **fields: Any) -> User:
        return User.objects.create_user(username, f"{username}@example.com", **fields)

    return make


@pytest.fixture(scope="module")
def swept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Keep dead rows, and PostgreSQL's belief in them, between this module and the others."""
    _sweep(django_db_blocker)
    yield
    _sweep(django_db_blocker)


def _sweep(blocker: DjangoDbBlocker) -> None:
    with blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM")
        connection.close()


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
        asked: dict[str, Any] = {
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
        return request_instance(**{**asked, **changes})

    return request


@pytest.fixture
def pair() -> SecretPair:
    """Two secrets as somebody types them."""
    return SecretPair(Secret("typed-user-secret"), Secret("typed-organization-secret"))


@pytest.fixture
def made(ask: Callable[..., Instance]) -> Instance:
    """An instance that a worker made on the platform."""
    instance = ask()
    work()
    return read(instance)


@pytest.fixture
def active(ask: Callable[..., Instance]) -> Instance:
    """An instance that is ready, with a token."""
    instance = ask()
    put_in_state(instance, OperationState.SUCCEEDED)
    return instance


@pytest.fixture
def signed_in(operator: User) -> Client:
    """A browser in which the operator is signed in."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give SQLite a file: worker threads and worker processes must see the same rows."""
    database = connections.settings["default"]
    if database["ENGINE"].endswith("sqlite3"):
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        database["TEST"]["NAME"] = str(file)
