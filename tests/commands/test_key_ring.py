"""The command that changes the key ring."""

import json
import stat
from pathlib import Path

import pytest
from pytest_django import Settings

from instances import vault
from instances.models import (
    Organization,
    SealingKey,
)
from sandbox.running import Account
from tests.commands.ran import keys_in, restart, run


def test_a_new_ring_is_private_and_seals_with_a_dated_key(ring_file: Path) -> None:
    assert stat.S_IMODE(ring_file.stat().st_mode) == 0o600
    assert json.loads(ring_file.read_text())["primary"].startswith("k20")
    assert list(ring_file.parent.iterdir()) == [ring_file]


def test_make_never_overwrites_a_ring(ring_file: Path) -> None:
    before = ring_file.read_text()
    ran = run("key_ring", "make")
    assert (ran.code, ring_file.read_text()) == (3, before)
    assert "is left alone" in ran.err


def test_a_ring_in_the_environment_is_printed_and_not_written(settings: Settings, db: None) -> None:
    ran = run("key_ring", "add")
    name, _, value = ran.out.splitlines()[0].partition("=")
    assert name == "ELEMENTDESK_KEYRING"
    assert set(vault.parse_ring(value).keys) > set(vault.parse_ring(settings.VAULT["KEYRING"]).keys)


def test_a_whole_rotation_leaves_one_key_and_everything_opens(
    ring_file: Path, sealed_organization: Organization, account: Account
) -> None:
    (old,) = keys_in(ring_file)
    run("key_ring", "add")
    (new,) = set(keys_in(ring_file)) - {old}
    assert json.loads(ring_file.read_text())["primary"] == old
    for step in (["promote", new], ["reseal"], ["reseal"], ["retire", old], ["check"]):
        restart()
        assert run("key_ring", *step).code == 0, step
    assert list(keys_in(ring_file)) == [new]
    assert list(SealingKey.objects.values_list("key_id", flat=True)) == [new]
    sealed_organization.refresh_from_db()
    opened = vault.open_sealed(sealed_organization, "user_secret", purpose=vault.Purpose.CHECK)
    assert opened.reveal() == account.user_secret


def test_reseal_says_how_many(ring_file: Path, sealed_organization: Organization) -> None:
    run("key_ring", "add")
    (new,) = set(keys_in(ring_file)) - {json.loads(ring_file.read_text())["primary"]}
    run("key_ring", "promote", new)
    assert run("key_ring", "reseal").out.startswith("Sealed 2 values again")


def test_a_key_in_use_is_not_retired(ring_file: Path, sealed_organization: Organization) -> None:
    (old,) = keys_in(ring_file)
    run("key_ring", "add")
    run("key_ring", "promote", max(keys_in(ring_file)))
    ran = run("key_ring", "retire", old)
    assert (ran.code, old in keys_in(ring_file)) == (1, True)
    assert "2 stored values" in ran.err


def test_the_primary_key_is_not_retired(ring_file: Path) -> None:
    (only,) = keys_in(ring_file)
    assert run("key_ring", "retire", only).code == 2
    assert list(keys_in(ring_file)) == [only]


@pytest.mark.parametrize("step", ["promote", "retire"])
def test_a_key_that_is_not_there_is_named(ring_file: Path, step: str) -> None:
    ran = run("key_ring", step, "k0")
    assert ran.code == 2
    assert "has no key 'k0'" in ran.err


def test_check_names_every_value_that_does_not_open(
    ring_file: Path, sealed_organization: Organization
) -> None:
    sealed = Organization.objects.values_list("user_secret", flat=True).get()
    Organization.objects.update(organization_secret=sealed)
    ran = run("key_ring", "check")
    assert ran.code == 1
    assert f"instances_organization.organization_secret of {sealed_organization.pk}" in ran.err


def test_the_commands_run_although_the_ring_does_not_fit(
    ring_file: Path, sealed_organization: Organization
) -> None:
    ring_file.unlink()
    restart()
    ran = run("key_ring", "check")
    assert ran.code == 3
    assert "cannot be read" in ran.err
