"""Rows of one reason, newest first, read along an index from a given row on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Func, Model, OuterRef, Q, QuerySet, UUIDField

Row = TypeVar("Row", bound=Model)
EVERY = Q()


class Dress(Protocol[Row]):
    """Says what comes with the rows that are shown: joined names, columns left out."""

    def __call__(self, rows: QuerySet[Row], /) -> QuerySet[Row]: ...


@dataclass(frozen=True)
class Span:
    """Between which rows, from which end, and how many."""

    limit: int
    older_than: UUID | None = None
    newer_than: UUID | None = None
    is_oldest_first: bool = False

    def within(self, edge: UUID) -> "Span":
        """Return the part before `edge`, seen from the end where it begins."""
        if self.is_oldest_first:
            return replace(self, older_than=edge)
        return replace(self, newer_than=edge)


@dataclass(frozen=True)
class Walk(Generic[Row]):
    """
    The `rows` that fulfil `condition`, in the order of `key`.

    With `column` and `values` they are read along the index of each value, as many as are asked
    for, and merged: what has no such row costs nothing, wherever its rows lie in time.
    """

    rows: QuerySet[Row]
    condition: Q = EVERY
    column: str = ""
    values: Sequence[object] = ()
    # What the values are ids of.
    each: type[Model] | None = None
    # The column of the index that ends in the row's id, where that is another table's.
    key: str = "pk"

    def part(self, span: Span) -> QuerySet[Row]:
        """Return the rows of `span`, in order, not cut yet."""
        if not self.column:
            return self._straight(span, Q())
        if len(self.values) == 1:
            return self._straight(span, Q((self.column, self.values[0])))
        model = self.rows.model._default_manager
        order = "pk" if span.is_oldest_first else "-pk"
        return model.filter(pk__in=self._merged(span)).order_by(order)

    def _straight(self, span: Span, also: Q) -> QuerySet[Row]:
        bounds = Q()
        if span.older_than is not None:
            bounds &= Q((f"{self.key}__lt", span.older_than))
        if span.newer_than is not None:
            bounds &= Q((f"{self.key}__gt", span.newer_than))
        order = self.key if span.is_oldest_first else f"-{self.key}"
        # One call of filter: what is said of a joined row is said of the same one.
        return self.rows.filter(self.condition & also & bounds).order_by(order)

    def _merged(self, span: Span) -> QuerySet[Any, Any]:
        if connection.vendor == "postgresql" and self.each is not None:
            part = self._straight(span, Q((self.column, OuterRef("pk"))))
            ids = ArraySubquery(part.values("pk")[: span.limit])
            of_each = self.each._default_manager.filter(pk__in=self.values)
            return of_each.values_list(Func(ids, function="unnest", output_field=UUIDField()))
        parts = [self._straight(span, Q((self.column, value))) for value in self.values]
        # SQLite wants what is cut one level below what is merged.
        model = self.rows.model._default_manager
        cut = [model.filter(pk__in=part.values("pk")[: span.limit]).values("pk") for part in parts]
        return cut[0].union(*cut[1:], all=True)


def newest(walks: Iterable[Walk[Row]], span: Span, dress: Dress[Row]) -> list[Row]:
    """
    Return the rows of all walks together, each once, in order.

    Each walk ends where those before it have found enough. `dress` says what comes with the rows.
    """
    found: dict[UUID, Row] = {}
    for walk in walks:
        rows = dress(walk.part(span))[: span.limit]
        found |= {row.pk: row for row in rows}
        ordered = sorted(found, reverse=not span.is_oldest_first)[: span.limit]
        if len(ordered) == span.limit:
            span = span.within(ordered[-1])
    return [found[pk] for pk in ordered] if found else []
