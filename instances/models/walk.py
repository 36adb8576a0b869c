"""Rows of one reason, newest first, read along an index from a given row on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import F, Func, Lookup, Manager, Model, OuterRef, Q, QuerySet, UUIDField

Row = TypeVar("Row", bound=Model)
EVERY = Q()


class Found(Lookup[Any]):
    """The column is among the values of an array, which PostgreSQL makes once."""

    lookup_name = "found"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, before = self.process_lhs(compiler, connection)
        array, after = self.process_rhs(compiler, connection)
        return f"{column} = ANY({array})", [*before, *after]


class Dress(Protocol[Row]):
    """Says what comes with the rows that are shown: joined names, columns left out."""

    def __call__(self, rows: QuerySet[Row], /) -> QuerySet[Row]: ...


class Readable(Protocol[Row]):
    """Rows of one reason that can be read from one to another, in order."""

    def read(self, span: "Span", dress: Dress[Row], /) -> QuerySet[Row]: ...


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
    The rows of `either`, as far as they fulfil `condition`, in the order of `key`.

    With `column` and `values` they are read along the index of each value, as many as are asked
    for, and merged: what has no such row costs nothing, wherever its rows lie in time.
    """

    either: Sequence[QuerySet[Row]]
    condition: Q = EVERY
    column: str = ""
    values: Sequence[object] = ()
    # What the values are ids of.
    each: type[Model] | None = None
    # The column of the index that ends in the row's id, where that is another table's.
    key: str = "pk"

    def read(self, span: Span, dress: Dress[Row]) -> QuerySet[Row]:
        """Return the rows of `span`, in order and cut; `dress` says what comes with them."""
        return dress(self.part(span))[: span.limit]

    def part(self, span: Span) -> QuerySet[Row]:
        """Return the rows of `span`, in order, not cut yet."""
        if len(self.either) == 1 and len(self.values) <= 1:
            return self._straight(self.either[0], span, *self.values)
        parts = [part for rows in self.either for part in self._parts(rows, span)]
        merged = parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]
        order = "pk" if span.is_oldest_first else "-pk"
        return self._among(merged).order_by(order)

    def begun(self) -> "Walk[Row]":
        """Return the walk of the same rows that begins with their ids, whatever is joined to them."""
        either = [
            self._all.filter(pk__in=rows.filter(self.condition).values("pk"))
            for rows in self.either
        ]
        return replace(self, either=either, condition=EVERY)

    @property
    def _all(self) -> Manager[Row]:
        return self.either[0].model._default_manager

    def _among(self, ids: QuerySet[Any, Any]) -> QuerySet[Row]:
        """Return the rows with these ids, which are found once, whatever is known of the tables."""
        if connection.vendor != "postgresql":
            return self._all.filter(pk__in=ids)
        # Where PostgreSQL takes tables for empty, it looks for what is IN anew for every row.
        return self._all.filter(Found(F("pk"), ArraySubquery(ids)))

    def _parts(self, rows: QuerySet[Row], span: Span) -> list[QuerySet[Any, Any]]:
        """Return the ids of some rows, cut, for each value."""
        if connection.vendor == "postgresql" and self.each is not None and len(self.values) > 1:
            of_one = self._straight(rows, span, OuterRef("pk")).values("pk")[: span.limit]
            ids = Func(ArraySubquery(of_one), function="unnest", output_field=UUIDField())
            of_each = self.each._default_manager.filter(pk__in=self.values).annotate(found=ids)
            order = "found" if span.is_oldest_first else "-found"
            # Each once: what two teams share would take the place of another.
            return [of_each.order_by(order).values("found").distinct()[: span.limit]]
        several = (
            [self._straight(rows, span, value) for value in self.values]
            if self.values
            else [self._straight(rows, span)]
        )
        cut = [one.values("pk")[: span.limit] for one in several]
        if connection.vendor == "postgresql":
            return cut
        # SQLite wants what is cut one level below what is merged.
        return [self._all.filter(pk__in=one).values("pk") for one in cut]

    def _straight(self, rows: QuerySet[Row], span: Span, *value: object) -> QuerySet[Row]:
        conditions = self.condition & Q(*((self.column, one) for one in value))
        if span.older_than is not None:
            conditions &= Q((f"{self.key}__lt", span.older_than))
        if span.newer_than is not None:
            conditions &= Q((f"{self.key}__gt", span.newer_than))
        order = self.key if span.is_oldest_first else f"-{self.key}"
        # One call of filter: what is said of a joined row is said of the same one.
        return rows.filter(conditions).order_by(order)


def first_of_each(
    rows: QuerySet[Row],
    column: str,
    each: type[Model],
    values: Sequence[object],
    *,
    order: str,
    most: int,
) -> QuerySet[Row]:
    """Return the first rows in that order of each value together, in order, not cut yet."""
    if connection.vendor != "postgresql":
        return rows.filter((f"{column}__in", values)).order_by(order)
    of_one = rows.filter((column, OuterRef("pk"))).order_by(order).values("pk")[:most]
    ids = Func(ArraySubquery(of_one), function="unnest", output_field=UUIDField())
    found = each._default_manager.filter(pk__in=values).annotate(found=ids).values("found")
    return rows.filter(Found(F("pk"), ArraySubquery(found))).order_by(order)


def newest(walks: Iterable[Readable[Row]], span: Span, dress: Dress[Row]) -> list[Row]:
    """
    Return the rows of all walks together, each once, in order.

    Each walk ends where those before it have found enough. `dress` says what comes with the rows.
    """
    found: dict[UUID, Row] = {}
    for walk in walks:
        found |= {row.pk: row for row in walk.read(span, dress)}
        ordered = sorted(found, reverse=not span.is_oldest_first)[: span.limit]
        if len(ordered) == span.limit:
            span = span.within(ordered[-1])
    return [found[pk] for pk in ordered] if found else []
