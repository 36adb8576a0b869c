"""The commands that ask for an instance and list them."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from instances.management.commands import create_instance
from instances.models import (
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
    Role,
)
from tests.commands.ran import GUIDE, ask_for, run
from tests.states import put_in_state


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


def test_credentials_of_the_other_environment_are_asked_about(
    organization: Organization, operator: User, file: Path, ask: Callable[..., Instance]
) -> None:
    login = {"username": "ops@example.com", "password": "pl4nted-secret"}
    live = ask(name="Live billing", configuration={"zuorav2.sandbox": False, **login})
    put_in_state(live, OperationState.SUCCEEDED)
    ran = ask_for(organization, file, "--user", "olivia")
    assert (ran.code, ran.out) == (3, "")
    assert "'Live billing' signs in to Zuora's production with exactly these" in ran.err
    assert "the file says sandbox (zuorav2.sandbox). Nothing was sent." in ran.err
    assert "--confirm-environment" in ran.err
    assert "pl4nted" not in ran.err
    assert Operation.objects.count() == 1
    ran = ask_for(organization, file, "--user", "olivia", "--confirm-environment")
    assert (ran.code, Operation.objects.count()) == (0, 2)
