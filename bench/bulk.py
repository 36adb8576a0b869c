"""Write many rows of a model at once: COPY on PostgreSQL, one statement for many on SQLite."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import connection, models

AT_ONCE = 5_000

Row = dict[str, Any]


def moment(seconds: float) -> str:
    """Return a moment as both databases read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def write(model: type[models.Model], rows: Iterable[Row]) -> None:
    """Write rows given as column values; what a row does not say has the model's default."""
    fields = [
        field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)
    ]
    usual = {field.column: _usual(field) for field in fields}
    _send(model._meta.db_table, list(usual), (tuple((usual | row).values()) for row in rows))


def _usual(field: models.Field[Any, Any]) -> Any:
    if isinstance(field, models.JSONField):
        return "{}"
    if field.primary_key or field.db_default is not models.NOT_PROVIDED or not field.has_default():
        return "" if field.empty_strings_allowed and not field.null else None
    return field.get_db_prep_save(field.get_default(), connection)


def _send(table: str, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET statement_timeout = 0"
            )  # a million rows take longer than a page may
            with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
            return
        places = ", ".join(["%s"] * len(columns))
        while some := list(islice(rows, AT_ONCE)):
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', some)
