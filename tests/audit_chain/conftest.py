"""A record with a chain, and what somebody with a database connection may do to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from instances import audit
from instances.models import AuditEntry

Write = Callable[..., list[AuditEntry]]


@pytest.fixture
def write(make_user: Callable[..., User]) -> Write:
    """Write so many entries about a person, and seal them unless told otherwise."""
    mia = make_user("mia")

    def write_some(number: int, *, sealed: bool = True) -> list[AuditEntry]:
        written = [audit.record(mia, "token.revealed", mia, number=one) for one in range(number)]
        if sealed:
            audit.seal_new()
        return written

    return write_some


@contextmanager
def behind_the_back() -> Iterator[None]:
    """Change what the database refuses to change, and take it back afterwards."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        transaction.set_rollback(True)


def problems(*heads: audit.Head) -> list[str]:
    return audit.verify(heads).problems
