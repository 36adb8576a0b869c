"""instances.yaml against a real server: planned, applied as planned, exported, and nothing left to do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from elementdesk import wanted
from elementdesk.failures import NotDoneError
from instances.models import Instance, Operation, Share
from sandbox.running import Account
from tests.programs.conftest import MakeKey
from tests.programs.test_command_line import Shell
from tests.programs.test_program import a_worker

# The API is asked on both databases elsewhere.
pytestmark = pytest.mark.once
processes = pytest.mark.processes
Ask = Callable[..., Instance]


@pytest.fixture
def shell(
    transactional_db: None, tmp_path: Path, live_server: LiveServer, make_key: MakeKey
) -> Shell:
    """The shell of the operator, who has a key for everything."""
    return Shell(tmp_path, live_server.url, make_key()[1])


@pytest.fixture
def entry(account: Account, make_user: Callable[..., User]) -> dict[str, object]:
    """An entry of an instance that is not there yet, shared with somebody who is."""
    make_user("otto")
    return {
        "name": "Nightly",
        "element": "zuorav2",
        "tags": ["billing"],
        "configuration": {
            "zuorav2.sandbox": True,
            "username": account.sandbox.username,
            "password": "env:ZUORA_PASSWORD",
        },
        "shares": [{"person": "otto", "level": "use", "until": "2099-01-31"}],
    }


def write(path: Path, *entries: dict[str, object]) -> str:
    path.write_text(yaml.safe_dump({"instances": list(entries)}))
    return str(path)


def planned(shell: Shell, path: str) -> tuple[str, list[tuple[str, str]], list[str]]:
    """Return a plan's hash, its steps by kind and name, and what is unmanaged."""
    told = json.loads(shell.type("plan", path, "--json").stdout)
    steps = [(step["kind"], step["name"]) for step in told["steps"]]
    return told["plan"], steps, [row["name"] for row in told["unmanaged"]]


@processes
def test_what_was_planned_is_done_once_and_then_nothing_is_left(
    shell: Shell, entry: dict[str, object], account: Account, ask: Ask, tmp_path: Path
) -> None:
    ask(name="By hand")
    path = write(tmp_path / "instances.yaml", entry)
    secret = {"ZUORA_PASSWORD": account.sandbox.password}
    said = shell.type("plan", path).stdout
    first, steps, unmanaged = planned(shell, path)
    assert (steps, unmanaged) == ([("create", "Nightly")], ["By hand"])
    assert f"--plan {first}" in said
    assert account.sandbox.password not in said
    shell.type("apply", path, "--plan", "0" * 20, code=1, given=secret)
    # Without its secret nothing is sent.
    assert "ZUORA_PASSWORD" in shell.type("apply", path, "--plan", first, code=2).stderr
    assert Instance.objects.count() == 1
    with a_worker():
        shell.type("apply", path, "--plan", first, given=secret)
    assert {row["name"] for row in account.instances()} == {"By hand", "Nightly"}
    assert Share.objects.filter(user__username="otto", level="use").exists()
    assert planned(shell, path)[1] == []
    shell.type("apply", path, "--plan", first, code=1, given=secret)
    exported = tmp_path / "exported.yaml"
    exported.write_text(shell.type("export").stdout)
    assert planned(shell, str(exported))[1:] == ([], [])
    assert {each.name for each in wanted.read(str(exported))} == {"By hand", "Nightly"}


@processes
def test_what_differs_is_changed_and_what_is_under_way_is_left(
    shell: Shell, ask: Ask, tmp_path: Path
) -> None:
    made, waiting = ask(name="Old name"), ask(name="Waiting")
    with a_worker():
        shell.type("wait", str(made.operations.get().pk))
        shell.type("wait", str(waiting.operations.get().pk))
    renamed: dict[str, object] = {"name": "New name", "id": str(made.pk), "element": "zuorav2"}
    switched: dict[str, object] = {"name": "Waiting", "element": "zuorav2", "enabled": False}
    path = write(tmp_path / "instances.yaml", renamed | {"tags": ["finance"]}, switched)
    plan, steps, unmanaged = planned(shell, path)
    assert steps == [("change", "Old name"), ("disable", "Waiting")]
    assert unmanaged == []
    with a_worker():
        shell.type("apply", path, "--plan", plan, "--reason", "Quarter's end")
    made.refresh_from_db()
    assert made.name == "New name"
    assert made.tags.filter(name="finance").exists()
    assert Operation.objects.get(kind="disable").instance == waiting
    assert planned(shell, path)[1] == []
    shell.type("plan", write(tmp_path / "x.yaml", switched | {"element": "sfdc"}), code=2)


def test_a_repeat_of_one_that_is_gone_is_another_request(
    shell: Shell, entry: dict[str, object], ask: Ask, tmp_path: Path
) -> None:
    path = write(tmp_path / "instances.yaml", entry)
    before = planned(shell, path)[0]
    gone = ask(name="Nightly")
    assert planned(shell, path)[1] == [("wait", "Nightly")]
    Instance.objects.filter(pk=gone.pk).update(status="canceled")
    after, steps, _ = planned(shell, path)
    assert steps == [("create", "Nightly")]
    assert after != before


def test_a_secret_in_the_file_is_refused_and_not_shown(
    shell: Shell, entry: dict[str, object], tmp_path: Path
) -> None:
    entry["configuration"] = {"username": "olivia", "password": "hunter2hunter2"}
    refused = shell.type("plan", write(tmp_path / "instances.yaml", entry), code=2).stderr
    assert "password of Nightly" in refused
    assert "hunter2" not in refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "instances:"),
        ("instances: 3", "a list"),
        ("instances: [{name: 1, element: zuorav2}]", r"instances\[0\].name"),
        ("instances: [{element: zuorav2}]", "name is missing"),
        ("instances: [{name: a, element: b, color: red}]", "color is not known"),
        ("instances: [{name: a, element: b, tags: [1]}]", "tags"),
        ("instances: [{name: a, element: b, enabled: sure}]", "true or false"),
        ("instances: [{name: a, element: b, configuration: {port: 443}}]", "in quotes"),
        ("instances: [{name: a, element: b, shares: [{level: use}]}]", "a person or a team"),
        ("instances: [{name: a, element: b}, {name: a, element: b}]", "twice"),
        ("instances: [\npassword: hunter2: x", "line 2"),
    ],
)
def test_each_mistake_in_the_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "instances.yaml"
    path.write_text(text)
    with pytest.raises(NotDoneError, match=said) as refused:
        wanted.read(str(path))
    assert "hunter2" not in refused.value.sentence


def test_a_secret_is_read_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "password"
    place.write_text("from a file\n")
    monkeypatch.setenv("ZUORA_PASSWORD", "from the environment")
    given: dict[str, str | bool] = {
        "a": f"file:{place}",
        "b": "env:ZUORA_PASSWORD",
        "c": True,
        "d": "plain",
    }
    entry = wanted.Wanted("Nightly", "zuorav2", configuration=given)
    assert list(wanted.resolved(entry).values()) == [
        *("from a file", "from the environment", True, "plain")
    ]
    for nothing in ("env:NOT_THERE", f"file:{tmp_path}/none", "prompt:"):
        with pytest.raises(NotDoneError, match="password of Nightly"):
            wanted.resolved(wanted.Wanted("Nightly", "x", configuration={"password": nothing}))
