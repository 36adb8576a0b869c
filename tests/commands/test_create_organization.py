"""The command that adds an organization."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from instances import vault
from instances.models import (
    AuditEntry,
    Membership,
    Organization,
    Role,
)
from sandbox.running import Account, Sandbox
from tests.commands.ran import run


def test_an_organization_is_added_and_its_secrets_open(
    secrets_given: Account, sandbox: Sandbox, db: None
) -> None:
    ran = run("create_organization", "Acme", "--base-url", sandbox.base_url)
    organization = Organization.objects.get(name="Acme")
    opened = vault.open_sealed(organization, "user_secret", purpose=vault.Purpose.CHECK)
    assert (ran.code, opened.reveal()) == (0, secrets_given.user_secret)
    assert secrets_given.user_secret not in ran.out + ran.err


def test_the_secrets_leave_the_environment(
    secrets_given: Account, sandbox: Sandbox, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("create_organization", "Acme", "--base-url", sandbox.base_url)
    assert "missing: set USER_SECRET" in run("create_organization", "B", "--base-url", "x").err


def test_its_admin_is_named_and_recorded(
    secrets_given: Account, sandbox: Sandbox, make_user: Callable[..., User]
) -> None:
    make_user("adam")
    run("create_organization", "Acme", "--base-url", sandbox.base_url, "--admin", "adam")
    assert Membership.objects.get(organization__name="Acme").role == Role.ADMIN
    assert AuditEntry.objects.filter(action="membership.added").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["Acme", "--base-url", "evil.example.com"], 3, "not on the list of hosts"),
        (["Acme", "--base-url", "api.cloud-elements.com", "--admin", "x"], 4, "no user 'x'"),
        (["A" * 101, "--base-url", "api.cloud-elements.com"], 2, "at most 100 characters"),
    ],
)
def test_an_organization_that_cannot_be_is_refused(
    secrets_given: Account, db: None, arguments: list[str], code: int, sentence: str
) -> None:
    ran = run("create_organization", *arguments)
    assert ran.code == code
    assert sentence in ran.err
    assert not Organization.objects.exists()


def test_a_name_that_is_taken_is_refused(
    secrets_given: Account, organization: Organization
) -> None:
    ran = run("create_organization", organization.name, "--base-url", "api.cloud-elements.com")
    assert (ran.code, Organization.objects.count()) == (3, 1)
