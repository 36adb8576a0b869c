"""A database older than what was sent sends nothing; the copy of its mark tells."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

from instances import fence
from instances.engine import drain, housekeeping, searching
from instances.engine.calls import HeldBackError
from instances.engine.claims import Claim, lease
from instances.models import AuditEntry, Installation, Instance, Operation, Organization
from sandbox.running import Account
from tests.restored import copied, is_fenced, keep_again, later, mark, restore

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


@pytest.fixture
def used() -> None:
    """A database whose workers were at work."""
    for _ in range(3):
        keep_again()


def test_a_mark_that_is_raised_while_a_page_asks_is_no_restore(used: None) -> None:
    raised: list[str] = []

    def meanwhile(execute: Callable[..., Any], sql: str, *asked: Any) -> Any:
        answer = execute(sql, *asked)
        if not raised and "instances_installation" in sql:
            raised.append(sql)
            keep_again()
        return answer

    with connection.execute_wrapper(meanwhile):
        assert not fence.is_restored()
    assert raised


def test_the_mark_is_raised_and_copied() -> None:
    fence.keep()
    assert (mark(), copied()) == (1, 1)
    keep_again()
    assert (mark(), copied()) == (2, 2)
    assert oct(fence.path().stat().st_mode)[-3:] == "600"
    assert sorted(path.name for path in fence.path().parent.glob("*fence*")) == [
        "fence",
        "fence.lock",
    ]


def test_it_is_raised_at_most_once_a_second() -> None:
    for _ in range(5):
        fence.keep()
    assert mark() == 1


def test_an_older_backup_is_fenced(used: None) -> None:
    restore(2)
    assert not fence.may_send()
    assert is_fenced()
    assert (mark(), copied()) == (2, 3)
    entry = AuditEntry.objects.get(action="installation.fenced")
    assert entry.detail == {"mark": 2, "copied_mark": 3}


def test_a_newer_database_is_not_fenced(used: None) -> None:
    Installation.objects.update(mark=7)
    keep_again()
    assert (mark(), copied()) == (8, 8)


def test_a_lost_file_is_a_reason_too(used: None) -> None:
    fence.path().unlink()
    later()
    assert not fence.may_send()
    assert is_fenced()
    assert not fence.path().exists()


def test_the_fence_stays_closed_and_is_noted_once(used: None) -> None:
    restore(1)
    assert not fence.may_send()
    Installation.objects.update(mark=100)
    assert not fence.may_send()
    assert copied() == 3
    assert AuditEntry.objects.filter(action="installation.fenced").count() == 1


def test_a_backup_restored_while_the_mark_is_raised_is_not_raised(used: None) -> None:
    read_before = Installation.current()
    restore(1)
    with pytest.raises(fence.FenceError, match="tried again"):
        fence._one_more(read_before, read_before.mark)
    assert mark() == 1


def test_who_read_the_row_before_it_was_opened_does_not_close_it_again(used: None) -> None:
    restore(1)
    read_before = Installation.current()
    with fence.opened_again():
        pass
    fence._close(read_before, fence.Copy(read_before.code, 3))
    assert not is_fenced()
    assert fence.may_send()


def test_a_crash_before_the_first_copy_is_no_restore() -> None:
    """The file is there before the mark is more than 0."""
    fence._write_later(fence.path(), fence.Copy(Installation.current().code, 0))
    Installation.objects.update(mark=1)
    keep_again()
    assert (mark(), copied()) == (2, 2)


def test_a_file_that_could_not_be_written_at_first_is_no_restore() -> None:
    with Path(f"{fence.path()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(fence.FenceError):
            fence.keep()
    assert mark() == 0
    keep_again()
    assert (mark(), copied()) == (1, 1)


def test_a_copy_never_goes_back(used: None) -> None:
    code = Installation.current().code
    fence._write_later(fence.path(), fence.Copy(code, 2))
    assert copied() == 3


def test_a_new_database_takes_the_file_of_an_older_one(used: None) -> None:
    Installation.objects.update(code="zzzzzzzz", mark=0)
    keep_again()
    assert (mark(), copied()) == (1, 1)
    assert fence.path().read_text() == "zzzzzzzz 1\n"


def test_two_installations_cannot_share_a_file(used: None) -> None:
    Installation.objects.update(code="zzzzzzzz", mark=5)
    later()
    with pytest.raises(fence.FenceError, match="belongs to another installation"):
        fence.keep()
    assert not is_fenced()
    assert "another installation" in fence.trouble()


@pytest.mark.parametrize("text", ["", "abc", "code x", "a 1 2", "\x00"])
def test_a_file_that_cannot_be_read_stops_sending(used: None, text: str) -> None:
    fence.path().write_text(text)
    later()
    assert not fence.may_send()
    assert not is_fenced()
    assert "cannot be read" in fence.trouble()


def test_a_file_that_cannot_be_written_stops_sending(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    settings.FENCE_FILE = str(tmp_path / "a-file" / "fence")
    with pytest.raises(fence.FenceError, match="cannot be read"):
        fence.keep()
    with pytest.raises(fence.FenceError, match="cannot be written"):
        fence._write_later(fence.path(), fence.Copy("code", 1))
    assert "cannot be" in fence.trouble()
    found = [message for message in run_checks() if message.id == "elementdesk.E005"]
    assert len(found) == 1


def test_the_check_is_content_with_a_folder_still_to_be_made(
    settings: Settings, tmp_path: Path
) -> None:
    settings.FENCE_FILE = str(tmp_path / "new" / "folder" / "fence")
    assert fence.unkept() == ""
    fence.keep()
    assert copied() == 1


def test_a_process_stopped_while_it_writes_does_not_stop_the_others_for_ever(used: None) -> None:
    with Path(f"{fence.path()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        later()
        with pytest.raises(fence.FenceError, match="held by another process"):
            fence.keep()
    keep_again()


def test_nothing_is_claimed_or_asked_behind_the_fence(
    used: None, ask: Ask, account: Account, organization: Organization
) -> None:
    ask()
    Organization.objects.update(audit_due_at="2020-01-01T00:00Z")
    restore(1)
    housekeeping.run()
    assert drain._claim(4) == set()
    searching._thread().submit(lambda: None).result(timeout=10)  # a search would come first
    assert account.ledger() == []
    assert not Operation.objects.exclude(lease_epoch=0).exists()


def test_a_request_that_was_claimed_before_does_not_leave(
    used: None, ask: Ask, account: Account
) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    restore(1)
    drain.work_on(operation)
    assert [entry for entry in account.ledger() if entry.method != "GET"] == []
    operation.refresh_from_db()
    assert operation.state == "queued"
    with pytest.raises(HeldBackError):
        Claim(operation, operation.lease_epoch).open_attempt("")


def test_the_mark_is_raised_before_a_request_leaves(ask: Ask, account: Account) -> None:
    ask()
    (operation,) = Operation.objects.claim(worker="test", limit=1, lease=lease())
    drain.work_on(operation)
    assert copied() == mark() == 1


def test_the_reason_is_logged_once_a_minute(used: None, caplog: pytest.LogCaptureFixture) -> None:
    restore(1)
    for _ in range(3):
        assert not fence.may_send()
    assert caplog.text.count("nothing is sent") == 1
    assert "manage.py after_restore" in caplog.text
