"""The command line where there is no Elementdesk: wrong words, wrong addresses, lost answers."""

import socket
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import pytest

from elementdesk.commands import parser
from elementdesk.failures import NotDoneError
from elementdesk.files import with_variable
from elementdesk.login import read_url
from tests.programs.test_command_line import ROOT, Shell

KEY = "edk_" + "A1" * 28


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Answer every request with these bytes, which may be none; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                # Whoever asked may be gone by then.
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose server is not there: nobody listens on the first port."""
    return Shell(tmp_path, "http://127.0.0.1:1", KEY)


def test_a_server_that_is_not_there_is_told_from_an_answer_that_was_lost(
    shell: Shell, tmp_path: Path
) -> None:
    wish = tmp_path / "instance.json"
    wish.write_text("{}")
    assert "cannot be reached" in shell.type("create", str(wish), code=3).stderr
    with answering(b"") as url:
        lost = shell.type(
            "create", str(wish), "--key", "k-9", code=6, given={"ELEMENTDESK_URL": url}
        )
        assert "--key k-9" in lost.stderr
        shell.type("list", code=3, given={"ELEMENTDESK_URL": url})


def test_what_is_not_elementdesk_is_no_answer(shell: Shell) -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
    for answer in (away, page):
        with answering(answer) as url:
            said = shell.type("list", code=3, given={"ELEMENTDESK_URL": url}).stderr
            assert "is not Elementdesk" in said


def test_wrong_words_are_refused_without_repeating_a_key(shell: Shell, tmp_path: Path) -> None:
    shell.type("list", KEY, code=2)
    shell.type("token", "not-an-id", code=2)
    assert shell.type("login", KEY, stdin=KEY, code=2).stderr.count("\n") == 1
    wish = tmp_path / "instance.json"
    wish.write_text('{"password": "hidden-value"')
    said = shell.type("create", str(wish), code=2).stderr
    assert "is not JSON" in said
    assert "hidden-value" not in said


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("https://desk.example.com/", "https://desk.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost", "http://localhost"),
        ("http://desk.example.com", None),
        ("http://127.0.0.1.example.com", None),
        ("http://127.0.0.1@example.com", None),
        ("https://user:word@desk.example.com", None),
        ("https://desk.example.com/?a=b", None),
        ("https://desk.example.com:port", None),
        ("ftp://desk.example.com", None),
        ("desk.example.com", None),
    ],
)
def test_a_key_crosses_no_network_in_plain_text(typed: str, read: str | None) -> None:
    try:
        assert read_url(typed) == read
    except NotDoneError:
        assert read is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"T=new\n"),
        (b"A=1", b"A=1\nT=new\n"),
        (b"T=old\r\nA=\xff\n", b"T=new\nA=\xff\n"),
        (b"T=1\nTT=2\n export T =3\n#T=4\n", b"T=new\nTT=2\n#T=4\n"),
    ],
)
def test_other_lines_of_an_environment_file_stay(before: bytes, after: bytes) -> None:
    assert with_variable(before, "T", "new") == after


def test_a_value_cannot_become_a_second_line() -> None:
    assert with_variable(b"", "T", "a $b") == b"T='a $b'\n"
    with pytest.raises(NotDoneError):
        with_variable(b"", "T", "a\nB=1")


def test_bash_completes_commands_and_options(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(shell.type("completion", "bash").stdout)
    asked = (
        f"source {script}; COMP_WORDS=(elementdesk {{}}); COMP_CWORD=$((${{{{#COMP_WORDS[@]}}}}-1));"
        ' _elementdesk; echo "${{COMPREPLY[@]}}"'
    )
    completed = {
        typed: subprocess.run(
            ["/usr/bin/env", "bash", "-c", asked.format(typed)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for typed in ("t", "create --w", "share --level m")
    }
    assert completed == {"t": "token", "create --w": "--wait", "share --level m": "manage"}


def test_the_package_installs_the_command() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module, _, name = declared["project"]["scripts"]["elementdesk"].partition(":")
    assert callable(getattr(import_module(module), name))
    assert declared["tool"]["setuptools"]["packages"] == ["elementdesk"]


def test_every_command_and_exit_code_is_documented() -> None:
    told = (ROOT / "docs" / "command-line.md").read_text()
    usage = parser().format_help()
    commands = ["login", "list", "create", "wait", "token", "share", "plan", "apply", "export"]
    commands += ["completion"]
    assert [name for name in commands if name not in usage or f"`{name}" not in told] == []
    assert [code for code in range(8) if f"| {code} |" not in told] == []
