"""The command line: exit codes, sentences instead of tracebacks, and never a secret printed: where its tests begin."""

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from instances import vault
from instances.models import (
    Organization,
)
from sandbox.running import Account, Sandbox
from tests.commands.ran import GUIDE, run


@pytest.fixture
def ring_file(tmp_path: Path, settings: Settings, db: None) -> Path:
    """A key ring that the command made, in the place that the settings name."""
    file = tmp_path / "keys" / "ring.json"
    settings.VAULT = {"KEYRING": "", "KEYRING_FILE": str(file)}
    assert run("key_ring", "make").code == 0
    return file


@pytest.fixture
def sealed_organization(ring_file: Path, account: Account, sandbox: Sandbox) -> Organization:
    """An organization sealed with the ring of `ring_file`."""
    pair = {
        "user_secret": account.user_secret,
        "organization_secret": account.organization_secret,
    }
    organization = Organization(
        name="Acme", base_url=sandbox.base_url, secrets_set_at=timezone.now()
    )
    for field, plaintext in pair.items():
        setattr(organization, field, vault.seal(organization, field, plaintext))
    organization.save(force_insert=True)
    return organization


@pytest.fixture
def secrets_given(monkeypatch: pytest.MonkeyPatch, account: Account) -> Account:
    """The account's two secrets, in the environment."""
    monkeypatch.setenv("USER_SECRET", account.user_secret)
    monkeypatch.setenv("ORGANIZATION_SECRET", account.organization_secret)
    return account


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The guide's file as people have it."""
    path = tmp_path / "instance.json"
    path.write_text(GUIDE)
    return path
