"""Statements written once: writing one takes Django several times as long as running it takes the database."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])


@dataclass(frozen=True)
class Statement(Generic[Rows]):
    """
    What Django made of some rows' query, kept with its text and parameters.

    It is run with other values in place of its own: of a person who is nobody, say, whoever asks.
    """

    rows: Rows
    # Knows how the columns of an answer become objects; None if there can be no row.
    compiler: Any
    text: str
    parameters: tuple[object, ...]

    def read(self, known: Mapping[object, object]) -> Rows:
        """Return the rows, `known` in place of what stood for it; they are read when they are asked for."""
        if self.compiler is None:
            return self.rows.none()
        compiler = copy(self.compiler)
        compiler.connection = connections[self.rows.db]
        told = self.text, tuple(known.get(one, one) for one in self.parameters)
        compiler.as_sql = lambda *_, **__: told
        rows = self.rows.all()
        rows.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]  # of this query alone
        return rows


def write(rows: Rows) -> Statement[Rows]:
    """Return the statement that reads these rows; nothing is read."""
    compiler = rows.query.get_compiler(rows.db)
    try:
        text, parameters = compiler.as_sql()
    except EmptyResultSet:
        return Statement(rows, None, "", ())
    return Statement(rows, compiler, text, tuple(parameters))
