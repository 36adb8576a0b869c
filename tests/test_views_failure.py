"""What is answered when a page cannot be made."""

from typing import Any, NoReturn

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connection
from django.test import Client

pytestmark = pytest.mark.django_db


def answer(client: Client, error: type[DatabaseError]) -> Any:
    """Open a page while every query of its connection ends in `error`."""

    def fail(*_args: object) -> NoReturn:
        raise error("the database says no")

    client.raise_request_exception = False
    with connection.execute_wrapper(fail):
        return client.get("/instances/")


@pytest.mark.parametrize("error", [OperationalError, DatabaseError])
def test_database_that_is_away_or_cannot_be_read_is_a_503_that_says_so(
    signed_in: Client, error: type[DatabaseError]
) -> None:
    page = answer(signed_in, error)
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "database does not answer" in page.content.decode()


def test_any_other_error_is_a_500(signed_in: Client) -> None:
    page = answer(signed_in, ProgrammingError)
    assert page.status_code == 500
    assert "fault of the server" in page.content.decode()


def test_no_write_needs_room_for_temporary_files_of_sqlite(db: None) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA temp_store")
            assert cursor.fetchone() == (2,)
