"""The record is sealed in a chain: what is written belongs to it, whoever else writes does not."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from instances import audit, vault
from instances.audit import heads, marks
from instances.engine import housekeeping
from instances.models import AuditEntry, AuditKey, AuditSeal, SealingKey
from instances.vault import keyring, rotation
from tests.audit_chain.conftest import Write, problems

pytestmark = pytest.mark.django_db


def test_what_is_written_is_sealed_in_its_order(write: Write) -> None:
    first, second = write(3), write(2)
    assert [seal.entries for seal in AuditSeal.objects.order_by("position")] == [
        [[first[0].pk, first[-1].pk]],
        [[second[0].pk, second[-1].pk]],
    ]
    report = audit.verify()
    assert (report.entries, report.seals, report.waiting, report.problems) == (5, 2, 0, [])


def test_the_worker_seals_now_and_then(write: Write, account: object) -> None:
    write(2, sealed=False)
    assert audit.verify().waiting == 2
    housekeeping.run()
    assert audit.verify().waiting == 0


def test_nothing_new_makes_no_seal(write: Write) -> None:
    write(1)
    assert audit.seal_new() == 0
    assert AuditSeal.objects.count() == 1


def test_more_than_a_batch_is_sealed_in_one_go(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instances.audit.chain.BATCH", 2)
    write(5)
    assert audit.verify().entries == 5
    assert AuditSeal.objects.count() == 3


def test_an_entry_that_is_committed_late_gets_its_place(make_user: Callable[..., User]) -> None:
    early, late = (audit.entry(None, "token.revealed", make_user(name)) for name in ("mia", "noa"))
    early.pk, late.pk = 1002, 1001
    for entry in (early, late):
        entry.save(force_insert=True)
        assert audit.seal_new() == 1
    assert [seal.entries for seal in AuditSeal.objects.order_by("position")] == [
        [[1002, 1002]],
        [[1001, 1001]],
    ]
    assert problems() == []


def test_what_somebody_else_puts_in_gets_no_place(write: Write, make_user: object) -> None:
    write(2)
    mia = User.objects.get(username="mia")
    forged = AuditEntry.objects.create(
        actor=mia, actor_name="mia", action="token.revealed", mac="t1.00000000." + "0" * 64
    )
    unmarked = AuditEntry.objects.create(actor=mia, actor_name="mia", action="token.revealed")
    write(1)
    assert problems() == [
        f"Entry {one.pk} was put in from outside the record." for one in (forged, unmarked)
    ]


def test_a_copy_of_an_old_entry_gets_no_place(write: Write) -> None:
    old = audit.entry(None, "token.revealed", User.objects.get(username="mia"))
    old.at = timezone.now() - timedelta(days=1)
    old.mac = marks.mark(old)
    write(1)
    old.save()
    audit.seal_new()
    assert problems() == [f"Entry {old.pk} was put in from outside the record."]


def test_a_copy_of_a_new_entry_is_told(write: Write) -> None:
    (entry,) = write(1)
    first, entry.pk = entry.pk, None
    entry.save(force_insert=True)
    audit.seal_new()
    assert problems() == [f"Entry {entry.pk} is a copy of entry {first}."]


def test_what_was_written_before_there_were_marks_is_let_in_once(write: Write) -> None:
    mia = User.objects.get(username="mia")
    AuditEntry.objects.create(actor=mia, actor_name="mia", action="instance.requested")
    write(1)
    assert audit.verify().entries == 2
    assert problems() == []


def test_two_workers_seal_once(write: Write) -> None:
    write(1)
    seal = AuditSeal.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        seal.save(force_insert=True)


def test_an_entry_outlives_the_account_of_its_person(write: Write) -> None:
    write(2)
    User.objects.get(username="mia").delete()
    assert AuditEntry.objects.filter(actor=None, actor_name="mia").count() == 2
    assert problems() == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditSeal.objects.all().delete(),
        lambda: AuditEntry.objects.update(actor_name="nobody"),
        lambda: AuditEntry.objects.update(actor=User.objects.create_user("eve")),
    ],
)
def test_postgresql_refuses_to_change_the_record(
    write: Write, tamper: Callable[[], object]
) -> None:
    write(1)
    is_refused = False
    try:
        with transaction.atomic():
            tamper()
    except DatabaseError as error:
        is_refused = "is not changed" in str(error)
    # SQLite has no rights to take away: who may write the file writes all of it.
    assert is_refused == (connection.vendor == "postgresql")


def test_entries_of_a_key_that_is_gone_are_still_verified(write: Write, settings: Settings) -> None:
    write(2)
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"t", b"u"))
    both = json.dumps({"primary": "t2", "keys": {"t1": old, "t2": new}})
    settings.VAULT = {"KEYRING": both, "KEYRING_FILE": ""}
    keyring.ring.cache_clear()
    rotation.retire("t1")
    only = json.dumps({"primary": "t2", "keys": {"t2": new}})
    settings.VAULT = {"KEYRING": only, "KEYRING_FILE": ""}
    keyring.ring.cache_clear()
    write(1)
    assert problems() == []
    assert not SealingKey.objects.filter(key_id="t1").exists()
    with transaction.atomic():
        AuditKey.objects.all().delete()
        assert len(problems()) == 2
        with pytest.raises(vault.VaultError):
            vault.audit_key("t1")
        transaction.set_rollback(True)


def test_the_head_is_published_once_a_day(write: Write, settings: Settings, tmp_path: Path) -> None:
    settings.AUDIT = {"HEADS_FILE": str(tmp_path / "elsewhere" / "heads")}
    heads._published.clear()
    assert not audit.publish()
    write(1)
    assert audit.publish()
    write(1)
    assert not audit.publish()
    heads._published.clear()
    assert not audit.publish()
    assert heads.published() == [audit.Head(1, AuditSeal.objects.get(pk=1).mac)]


def test_a_place_that_cannot_be_written_is_told_and_tried_again(
    write: Write, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings.AUDIT = {"HEADS_FILE": str(tmp_path / "file" / "heads")}
    write(1)
    assert not audit.publish()
    settings.AUDIT = {"HEADS_FILE": str(tmp_path / "heads")}
    assert audit.publish()
