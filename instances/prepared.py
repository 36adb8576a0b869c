"""What pages read for somebody, written once for everybody who belongs to as many organizations and teams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, QuerySet

from instances.models import Role
from instances.models.walk import Dress, Span, Walk
from instances.models.written import Statement, write
from instances.reach import NOBODY, Place, Reach

# Numbers that are no row's, and a moment that is none's, in place of what is known when a statement is run.
NO_TEAM = -1_000_000
NEVER = datetime(1900, 1, 1, tzinfo=UTC)
OLDER, NEWER = UUID(int=2**128 - 1), UUID(int=2**128 - 2)

Row = TypeVar("Row", bound=Model)
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])
# How the walks of a person are made; equal ones are taken for the same.
WalksOf = Callable[[Reach], Sequence[Walk[Row]]]


@lru_cache(maxsize=256)
def somebody(shape: tuple[int, ...]) -> Reach:
    """Return a person of that shape whose ids are no row's."""
    *of_roles, teams, moments = shape
    roles = [role for role, many in zip(Role, of_roles, strict=True) for _ in range(many)]
    places = (Place(UUID(int=at), role, "") for at, role in enumerate(roles))
    of_teams = tuple(range(NO_TEAM, NO_TEAM + teams))
    return Reach(User(pk=NOBODY), tuple(places), of_teams, NEVER if moments else None)


def known_of(reach: Reach) -> dict[Any, Any]:
    """Return what stands for the person's ids in statements, and the ids."""
    return _known(somebody(reach.shape()).ids(), reach.ids())


def read(rows_of: Callable[[Reach], Rows], reach: Reach) -> Rows:
    """Return the rows that `rows_of` makes for the person; they are read when they are asked for."""
    statement: Statement[Rows] = _statement(rows_of, reach.shape())
    return statement.read(known_of(reach))


def walks(walks_of: WalksOf[Row], reach: Reach) -> list["WrittenWalk[Row]"]:
    """
    Return the walks that `walks_of` makes for the person.

    It may ask of the person what `Reach.shape` and `Reach.ids` tell, and nothing else.
    """
    if not reach.user.is_active:
        return []
    known = known_of(reach)
    return [WrittenWalk(form, known) for form in _forms(walks_of, reach.shape())]


@dataclass(frozen=True)
class _Form(Generic[Row]):
    """One walk of somebody, and its statements so far."""

    walk: Walk[Row]
    written: dict[object, Statement[QuerySet[Row]]] = field(default_factory=dict)


@dataclass(frozen=True)
class WrittenWalk(Generic[Row]):
    """A walk of one person, read with statements that were written before."""

    form: _Form[Row]
    known: Mapping[object, object]

    def read(self, span: Span, dress: Dress[Row]) -> QuerySet[Row]:
        """Return the rows of `span`, in order and cut."""
        bound = Span(
            span.limit,
            older_than=OLDER if span.older_than else None,
            newer_than=NEWER if span.newer_than else None,
            is_oldest_first=span.is_oldest_first,
        )
        written = self.form.written
        if (key := (bound, dress)) not in written:
            written[key] = write(dress(self.form.walk.part(bound))[: bound.limit])
        edges = _known((OLDER, NEWER), (span.older_than, span.newer_than))
        return written[key].read({**self.known, **edges})


@lru_cache(maxsize=256)
def _forms(walks_of: WalksOf[Any], shape: tuple[int, ...]) -> list[_Form[Any]]:
    return [_Form(walk) for walk in walks_of(somebody(shape))]


@lru_cache(maxsize=256)
def _statement(rows_of: Callable[[Reach], Any], shape: tuple[int, ...]) -> Statement[Any]:
    return write(rows_of(somebody(shape)))


def _known(stand_ins: Sequence[object], real: Sequence[object]) -> dict[Any, Any]:
    return {_adapted(one): _adapted(its) for one, its in zip(stand_ins, real, strict=True)}


def _adapted(value: object) -> object:
    """Return an id or a moment as this database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
