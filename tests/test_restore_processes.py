"""A real worker on a restored backup: nothing leaves, and everything made since is found."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from instances.models import (
    Finding,
    FindingKind,
    Installation,
    Instance,
    InstanceStatus,
    Organization,
)
from sandbox.running import Account
from tests.backups import Backup
from tests.workers import Worker, empty_broker, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Instance]
MADE_SINCE = 100


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Start worker processes, and end those that are left when the test ends."""
    workers: list[Worker] = []
    empty_broker()

    def begin() -> Worker:
        # Nobody is killed here, so that a busy machine may take its time for a call.
        patient = {"ELEMENTDESK_CALL_SECONDS": "20", "ELEMENTDESK_LEASE_SECONDS": "30"}
        workers.append(Worker(tmp_path, **patient))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.stop()


def is_settled() -> bool:
    return not Instance.objects.exclude(status=InstanceStatus.ACTIVE).exists()


def posts(account: Account) -> int:
    return len([entry for entry in account.ledger() if entry.method != "GET"])


def is_fenced() -> bool:
    return Installation.current().fenced_at is not None


def test_a_restored_backup_sends_nothing_and_finds_everything(
    start: Callable[[], Worker], ask: Ask, account: Account, tmp_path: Path, signed_in: Client
) -> None:
    worker = start()
    ask(name="before")
    wait_for(is_settled)
    worker.stop()
    queued = ask(name="queued")
    empty_broker()
    backup = Backup(tmp_path)
    worker = start()
    for number in range(MADE_SINCE):
        ask(name=f"Since {number}")
    wait_for(is_settled, seconds=120)
    worker.stop()
    remote = {instance["name"]: instance["id"] for instance in account.instances()}
    assert len(remote) == posts(account) == MADE_SINCE + 2

    backup.restore()
    assert Instance.objects.count() == 2
    start()
    wait_for(is_fenced)
    time.sleep(2)  # several sweeps
    assert posts(account) == MADE_SINCE + 2
    assert signed_in.post("/organizations/new/", {}).status_code == 503
    queued.refresh_from_db()
    assert queued.status == InstanceStatus.QUEUED

    out = io.StringIO()
    call_command("after_restore", "--yes", "--wait", "60", stdout=out)
    organization = Organization.objects.get()
    assert f"{organization}: 1 unfinished to look up, {MADE_SINCE} found" in out.getvalue()
    since = {number for name, number in remote.items() if name.startswith("Since")}
    found = Finding.objects.open().filter(kind=FindingKind.ORPHAN)
    assert set(found.values_list("remote_id", flat=True)) == since
    assert Finding.objects.count() == MADE_SINCE
    wait_for(is_settled)
    queued.refresh_from_db()
    assert queued.remote_id == remote["queued"]
    assert len(account.instances()) == posts(account) == MADE_SINCE + 2
