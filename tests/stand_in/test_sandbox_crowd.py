"""Very many instances: planted in seconds, listed by pages, never all in memory."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from sandbox.running import Account, RemoteSandbox, Sandbox

ROOT = Path(__file__).parents[2]
COUNT = 100_000
ALLOWED_SECONDS = 60.0  # about 5 on an idle machine
ALLOWED_GROWTH = 48 * 1024  # KiB; a hundred thousand documents are about 200 MiB


def listed(base_url: str, account: Account, **params: str) -> requests.Response:
    headers = {"Authorization": account.authorization}
    return requests.get(f"{base_url}/instances", params=params, headers=headers, timeout=60)


def launch(*arguments: str) -> tuple[subprocess.Popen[str], RemoteSandbox]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline() if process.stdout else ""
    return process, RemoteSandbox(line.split()[-1])


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def highest_memory(process: subprocess.Popen[str]) -> int:
    """Give the most memory the process ever had, in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


@pytest.mark.skipif(sys.platform != "linux", reason="Memory is read from /proc")
@pytest.mark.parametrize("kept", [True, False])
def test_hundred_thousand_take_seconds_and_little_memory(tmp_path: Path, kept: bool) -> None:
    process, remote = launch(*(["--data", str(tmp_path)] if kept else []))
    try:
        account = remote.new_account()
        began, before = time.monotonic(), highest_memory(process)
        numbers = account.add_crowd(COUNT, name="Foreign", tags=["theirs"])
        assert time.monotonic() - began < ALLOWED_SECONDS
        pages = [listed(remote.base_url, account, page=str(number)) for number in (1, 250, 500)]
        assert highest_memory(process) - before < ALLOWED_GROWTH
    finally:
        end(process)
    assert {page.headers["Elements-Total-Count"] for page in pages} == {str(COUNT)}
    assert [each["id"] for each in pages[2].json()] == list(numbers)[-200:]


def test_each_of_a_crowd_is_an_instance(sandbox: Sandbox, account: Account) -> None:
    account.add_crowd(30, name="Foreign", elements=["zuorav2", "jira"], tags=["theirs"])
    found = listed(sandbox.base_url, account, **{"tags[]": "theirs"}).json()
    assert len({each["token"] for each in found}) == 30
    assert {each["element"]["key"] for each in found} == {"zuorav2", "jira"}
    (one,) = listed(sandbox.base_url, account, searchText="FOREIGN 17").json()
    account.change_instance(one["id"], name="Changed")
    account.remove_instance(one["id"] + 1)
    names = [each["name"] for each in listed(sandbox.base_url, account).json()]
    assert "Changed" in names
    assert "Foreign 18" not in names
    assert len(names) == 29


def test_instance_after_a_crowd_has_the_next_number(account: Account) -> None:
    numbers = account.add_crowd(3)
    assert account.add_instance()["id"] == numbers.stop


def test_newest_come_first_by_switch(sandbox: Sandbox, account: Account) -> None:
    numbers = account.add_crowd(5)
    account.set(newest_first=True)
    found = listed(sandbox.base_url, account, pageSize="2").json()
    assert [each["id"] for each in found] == [numbers[-1], numbers[-2]]


def test_folder_of_an_earlier_version_keeps_its_instances(tmp_path: Path) -> None:
    with Sandbox(folder=tmp_path) as running:
        planted = running.demo_account().add_instance(name="Kept", tags=["old"])
    database = sqlite3.connect(tmp_path / "sandbox.sqlite3")
    with database:
        (text,) = database.execute("SELECT document FROM element_instance").fetchone()
        older = json.loads(text)
        del older["used_by"], older["provider_status"], older["provider_milliseconds"]
        database.execute("DROP TABLE element_instance")
        database.execute("INSERT INTO instance VALUES (?, ?)", (older["id"], json.dumps(older)))
    database.close()
    for _ in range(2):
        with Sandbox(folder=tmp_path) as running:
            assert running.demo_account().only_instance() == planted
