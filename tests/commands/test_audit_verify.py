"""The command that verifies the record."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from instances import audit
from instances.models import AuditEntry, AuditSeal
from tests.commands.ran import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(make_user: Callable[..., User]) -> list[AuditEntry]:
    mia = make_user("mia")
    written = [audit.record(mia, "token.revealed", mia) for _ in range(3)]
    audit.seal_new()
    return written


def test_a_whole_record_ends_with_its_head(sealed: list[AuditEntry]) -> None:
    ran = run("audit_verify")
    assert ran.code == 0
    assert "3 entries in 1 seals, 0 not sealed yet" in ran.out
    assert ran.out.rstrip().endswith(f"Head: 1:{AuditSeal.objects.get().mac}")


def test_a_head_that_is_gone_is_told(sealed: list[AuditEntry]) -> None:
    ran = run("audit_verify", "--head", "7:t1.00")
    assert ran.code == 1
    assert "The record was cut off: seal 7 was there, 1 is the last." in ran.err


def test_heads_that_cannot_be_read_are_told(
    sealed: list[AuditEntry], settings: Settings, tmp_path: Path
) -> None:
    settings.AUDIT = {"HEADS_FILE": str(tmp_path)}
    ran = run("audit_verify")
    assert (ran.code, "cannot be read" in ran.err) == (2, True)


def test_what_is_no_head_is_told(sealed: list[AuditEntry]) -> None:
    ran = run("audit_verify", "--head", "yesterday")
    assert (ran.code, "is no head" in ran.err) == (2, True)
