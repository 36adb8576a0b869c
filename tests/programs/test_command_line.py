"""The command line, as a process of its own, against a real server, worker and platform."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from instances.models import AuditEntry, Instance, Organization, Role, Scope, Share
from sandbox.running import Account
from tests.cases import work
from tests.programs.conftest import MakeKey
from tests.programs.test_program import a_worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.once,
]
ROOT = Path(__file__).resolve().parents[2]
Ask = Callable[..., Instance]


class Shell:
    """Types commands, with a home of its own."""

    def __init__(self, home: Path, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "ELEMENTDESK_URL": url,
            "ELEMENTDESK_KEY": key,
        }

    def type(
        self, *words: str, code: int = 0, stdin: str = "", given: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; it ends with `code`, and tells the key to nobody."""
        ended = subprocess.run(
            [sys.executable, "-m", "elementdesk", *words],
            input=stdin,
            env=self.environment | dict(given or {}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == code, ended.stderr
        assert self.key not in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended


@pytest.fixture
def shell(tmp_path: Path, live_server: LiveServer, make_key: MakeKey) -> Shell:
    """The shell of the operator, who has a key for everything."""
    return Shell(tmp_path, live_server.url, make_key()[1])


@pytest.fixture
def instance_json(account: Account, tmp_path: Path) -> Path:
    """The guide's instance.json."""
    login = account.sandbox
    configuration = {
        "zuorav2.sandbox": True,
        "username": login.username,
        "password": login.password,
    }
    body = {"element": {"key": "zuorav2"}, "name": "Nightly", "configuration": configuration}
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(body))
    return path


def test_a_key_is_read_without_being_an_argument_and_kept_for_its_owner_alone(
    shell: Shell, tmp_path: Path, ask: Ask
) -> None:
    ask()
    nothing = {"ELEMENTDESK_URL": "", "ELEMENTDESK_KEY": ""}
    header = f"Authorization: Bearer {shell.key}\n"
    said = shell.type("login", shell.url, stdin=header, given=nothing).stdout
    kept = tmp_path / ".config" / "elementdesk" / "login.json"
    assert "as olivia" in said
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, kept.parent)] == [0o600, 0o700]
    assert "Billing sandbox" in shell.type("list", given=nothing).stdout
    # A stored key goes to no other server, and one that others could read goes nowhere.
    elsewhere = nothing | {"ELEMENTDESK_URL": "https://other.example.com"}
    assert "another server" in shell.type("list", code=2, given=elsewhere).stderr
    kept.chmod(0o644)
    assert "Others may read" in shell.type("list", code=2, given=nothing).stderr


def test_a_list_is_narrowed_as_on_the_page_and_whole(
    shell: Shell, ask: Ask, operator: User, organization: Organization
) -> None:
    known = {"organization": organization, "owner": operator, "element_key": "zuorav2"}
    Instance.objects.bulk_create(Instance(name=f"Number {n}", **known) for n in range(203))
    ask(name="Bell\x1b[2J", tag_names=["evening"])
    assert len(json.loads(shell.type("list", "--json").stdout)) == 204
    shown = shell.type("list", "--tag", "evening", "--owner", "me").stdout.splitlines()
    assert (len(shown), shown[0].split()[0], "\x1b" in shown[1]) == (2, "ID", False)
    assert "status" in shell.type("list", "--status", "shiny", code=1).stderr


def test_an_instance_is_created_once_and_its_token_kept(
    shell: Shell, instance_json: Path, account: Account, tmp_path: Path
) -> None:
    with a_worker():
        made = shell.type("create", str(instance_json), "--key", "k-1", "--wait", "--json")
    operation = json.loads(made.stdout)
    assert made.stderr.splitlines() == ["Idempotency key: k-1", f"Operation: {operation['id']}"]
    again = shell.type("create", str(instance_json), "--key", "k-1", "--json")
    assert json.loads(again.stdout)["id"] == operation["id"]
    assert (operation["state"], len(account.instances())) == ("succeeded", 1)
    shell.type("wait", operation["id"])
    environment = tmp_path / "job.env"
    environment.write_text("A=1\nexport TOKEN=old\nTOKENS=2")
    shell.type("token", operation["instance_id"], "--env-file", str(environment), "TOKEN")
    token = shell.type("token", operation["instance_id"]).stdout.strip()
    assert environment.read_text() == f"A=1\nTOKEN={token}\nTOKENS=2"
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    assert account.only_instance()["token"] == token


def test_a_token_without_a_place_is_not_fetched(shell: Shell, ask: Ask, tmp_path: Path) -> None:
    instance = ask()
    work()
    where = str(tmp_path / "missing" / "job.env")
    shell.type("token", str(instance.pk), "--env-file", where, "TOKEN", code=2)
    shell.type("token", str(instance.pk), "--env-file", str(tmp_path), "TOKEN", code=2)
    assert not AuditEntry.objects.filter(action__startswith="token").exists()


def test_what_becomes_of_a_wish_is_the_exit_code(
    shell: Shell, instance_json: Path, account: Account, ask: Ask
) -> None:
    queued = ask()
    operation = str(queued.operations.get().pk)
    said = shell.type("wait", operation, "--timeout", "0.5", code=7).stderr
    assert f"elementdesk wait {operation}" in said
    body = json.loads(instance_json.read_text())
    body["configuration"]["password"] = "not-the-password"
    instance_json.write_text(json.dumps(body))
    with a_worker():
        rejected = shell.type("create", str(instance_json), "--wait", code=5)
    assert "not-the-password" not in rejected.stdout + rejected.stderr
    account.fault("drop before commit", times=2)
    asked = ask(name="Lost")
    work(9)
    assert "decide" in shell.type("wait", str(asked.operations.get().pk), code=6).stderr


def test_an_instance_is_shared(
    shell: Shell, ask: Ask, member: Callable[..., User], make_user: Callable[..., User]
) -> None:
    instance, other = ask(), make_user("otto")
    given = ("share", str(instance.pk), "--person", other.username, "--level", "view")
    assert shell.type(*given, "--until", "2099-01-31").stdout.startswith("otto: view until 2099")
    share = Share.objects.get()
    assert (share.user, share.level, share.instance) == (other, "view", instance)
    assert "person" in shell.type(*given[:3], "nobody", *given[4:], code=1).stderr
    shell.type(*given[:-1], "own", code=2)


def test_what_a_key_may_not_is_not_done(
    shell: Shell, make_key: MakeKey, operator: User, member: Callable[..., User], ask: Ask
) -> None:
    instance = ask()
    work()
    reader = make_key(operator, Scope.READ)[1]
    said = shell.type("token", str(instance.pk), code=4, given={"ELEMENTDESK_KEY": reader}).stderr
    assert "reveal" in said
    viewer = make_key(member(Role.VIEWER), *Scope)[1]
    shell.type("token", str(instance.pk), code=4, given={"ELEMENTDESK_KEY": viewer})
    shell.type("token", "00000000-0000-7000-8000-000000000000", code=4)
    Organization.objects.update(asks_reason=True)
    asked = ("token", str(instance.pk))
    assert "reason" in shell.type(*asked, code=1).stderr
    assert shell.type(*asked, "--reason", "nightly").stdout
    wrong = "edk_" + "0" * 56
    assert wrong not in shell.type("list", code=4, given={"ELEMENTDESK_KEY": wrong}).stderr
