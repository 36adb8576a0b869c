"""The command line: exit codes, sentences instead of tracebacks, and never a secret printed."""

import io
import json
import stat
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings

from instances import vault
from instances.management.commands import create_instance
from instances.models import (
    AuditEntry,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    Organization,
    Role,
    SealingKey,
)
from instances.vault import keyring
from sandbox.running import Account, Sandbox


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def run(*arguments: object) -> Ran:
    """Run a command as the shell would; a CommandError becomes its exit code and sentence."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*(str(part) for part in arguments), stdout=out, stderr=err)
    except CommandError as error:
        return Ran(error.returncode, out.getvalue(), err.getvalue() + str(error))
    except SystemExit as ended:
        return Ran(int(ended.code or 0), out.getvalue(), err.getvalue())
    return Ran(0, out.getvalue(), err.getvalue())


@pytest.fixture
def ring_file(tmp_path: Path, settings: Settings, db: None) -> Path:
    """A key ring that the command made, in the place that the settings name."""
    file = tmp_path / "keys" / "ring.json"
    settings.VAULT = {"KEYRING": "", "KEYRING_FILE": str(file)}
    assert run("key_ring", "make").code == 0
    return file


def keys_in(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text())["keys"])


def restart() -> None:
    """As a new process would: read the ring again."""
    keyring.ring.cache_clear()


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


@pytest.fixture
def secrets_given(monkeypatch: pytest.MonkeyPatch, account: Account) -> Account:
    """The account's two secrets, in the environment."""
    monkeypatch.setenv("USER_SECRET", account.user_secret)
    monkeypatch.setenv("ORGANIZATION_SECRET", account.organization_secret)
    return account


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


GUIDE = """{
  "element": {"key": "zuorav2"},
  "configuration": {
    "zuorav2.sandbox": true, // To instantiate your production account, set this to false
    “username”: “ops@example.com”,
    "password": "pl4nted-secret"
  },
  "tags": ["billing"],
  "name": "Test"
}"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The guide's file as people have it."""
    path = tmp_path / "instance.json"
    path.write_text(GUIDE)
    return path


def ask_for(organization: Organization, file: Path, *more: object) -> Ran:
    return run("create_instance", "--organization", organization.name, "--file", file, *more)


def test_an_instance_is_asked_for_and_its_repairs_are_said(
    organization: Organization, operator: User, file: Path
) -> None:
    ran = ask_for(organization, file, "--user", "olivia")
    shown = json.loads(ran.out)
    assert (ran.code, shown["name"], shown["status"]) == (0, "Test", "queued")
    assert shown["tags"] == ["billing"]
    assert ran.err.splitlines() == [
        "Left out a comment (line 4).",
        "Read curly quotes as straight ones (line 5).",
    ]


def test_no_secret_is_printed(organization: Organization, operator: User, file: Path) -> None:
    ran = ask_for(organization, file, "--user", "olivia")
    assert "pl4nted-secret" not in ran.out + ran.err
    assert "token" not in json.loads(ran.out)


def test_the_only_admin_asks_if_nobody_is_named(
    organization: Organization, member: Callable[..., User], file: Path
) -> None:
    member(Role.ADMIN, "adam")
    ask_for(organization, file)
    assert Instance.objects.get().owner.username == "adam"


def test_two_admins_must_be_told_apart(
    organization: Organization, member: Callable[..., User], file: Path
) -> None:
    member(Role.ADMIN)
    member(Role.ADMIN)
    ran = ask_for(organization, file)
    assert ran.code == 2
    assert "--user" in ran.err


def test_the_same_request_id_asks_once(
    organization: Organization, operator: User, file: Path
) -> None:
    request_id = uuid.uuid4()
    for _ in range(2):
        ask_for(organization, file, "--user", "olivia", "--request-id", request_id)
    assert Operation.objects.count() == 1


def test_all_missing_entries_are_named(
    organization: Organization, operator: User, file: Path
) -> None:
    file.write_text('{"element": {"key": "zuorav2"}, "configuration": {}, "name": "Test"}')
    ran = ask_for(organization, file, "--user", "olivia")
    assert ran.code == 3
    assert "zuorav2.sandbox, username, password" in ran.err


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe{", b"\x80", b" " * 300_000])
def test_a_file_that_cannot_be_read_is_refused(
    organization: Organization, operator: User, file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    assert ask_for(organization, file, "--user", "olivia").code == 3


def test_a_file_in_utf_16_is_read(organization: Organization, operator: User, file: Path) -> None:
    file.write_bytes(GUIDE.encode("utf-16"))
    assert ask_for(organization, file, "--user", "olivia").code == 0


def test_a_file_that_is_not_there_is_a_sentence(
    organization: Organization, operator: User, tmp_path: Path
) -> None:
    ran = ask_for(organization, tmp_path / "none.json", "--user", "olivia")
    assert (ran.code, "No such file" in ran.err) == (3, True)


def test_who_may_not_create_is_refused(
    organization: Organization, member: Callable[..., User], file: Path
) -> None:
    member(Role.VIEWER, "victor")
    assert ask_for(organization, file, "--user", "victor").code == 4
    assert ask_for(organization, file, "--user", "nobody").code == 4
    assert not Instance.objects.exists()


def test_an_unknown_organization_is_refused(file: Path, db: None) -> None:
    ran = run("create_instance", "--organization", "Nowhere", "--file", file)
    assert (ran.code, ran.err) == (4, "There is no organization 'Nowhere'.")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (InstanceStatus.QUEUED, 7),
        (InstanceStatus.CREATING, 7),
        (InstanceStatus.UNKNOWN, 6),
        (InstanceStatus.NEEDS_PERSON, 6),
        (InstanceStatus.BLOCKED, 6),
        (InstanceStatus.REJECTED, 5),
        (InstanceStatus.CANCELED, 5),
    ],
)
def test_the_exit_code_tells_how_the_waiting_ended(
    organization: Organization, operator: User, file: Path, status: InstanceStatus, code: int
) -> None:
    request_id = uuid.uuid4()
    ask_for(organization, file, "--user", "olivia", "--request-id", request_id)
    Instance.objects.update(status=status)
    ran = ask_for(organization, file, "--user", "olivia", "--request-id", request_id, "--wait", 0)
    assert (ran.code, json.loads(ran.out)["status"]) == (code, status)
    assert status.label in ran.err


def test_every_status_has_an_exit_code() -> None:
    known = {*create_instance.SETTLED, *create_instance.UNSETTLED_AT_THE_END}
    assert set(InstanceStatus) - known == {InstanceStatus.QUEUED, InstanceStatus.CREATING}


def test_the_list_is_json_without_tokens(ask: Callable[..., Instance]) -> None:
    first, second = ask(name="One"), ask(name="Two")
    rows = json.loads(run("list_instances", "--json").out)
    assert [row["id"] for row in rows] == [str(second.pk), str(first.pk)]
    assert not any("token" in row for row in rows)


def test_the_list_can_be_narrowed(ask: Callable[..., Instance]) -> None:
    ask(name="One")
    assert json.loads(run("list_instances", "--json", "--status", "active").out) == []
    assert json.loads(run("list_instances", "--json", "--organization", "Nowhere").out) == []
    assert run("list_instances").out.rstrip().endswith("One")
