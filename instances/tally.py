"""How much waits for a person and is new to them, as every page tells: one statement, written once for many people."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from instances import prepared
from instances.models import Notification
from instances.models.walk import Span, Walk
from instances.reach import Reach


class Waiting(NamedTuple):
    """How much waits for a decision, instances are broken, rotations stand still; notifications not read."""

    decisions: int = 0
    broken: int = 0
    halted: int = 0
    unread: int = 0


def waiting(reach: Reach, *, most: int) -> Waiting:
    """Return how much waits for the person; of each reason `most` are counted."""
    if not reach.user.is_active:
        return Waiting()
    text, parameters = _statement(reach.shape(), most)
    known = prepared.known_of(reach)
    with connection.cursor() as cursor:
        cursor.execute(text, [known.get(one, one) for one in parameters])
        return Waiting(*cursor.fetchone())


@lru_cache(maxsize=256)
def _statement(shape: tuple[int, ...], most: int) -> tuple[str, tuple[Any, ...]]:
    """
    Return the statement for everybody who belongs to as many organizations and teams.

    Writing it takes Django several times as long as running it takes the database.
    """
    reach = prepared.somebody(shape)
    counts = [
        _counted(chain(reach.waiting(), reach.findings()), most),
        _counted(reach.broken(), most),
        _counted(reach.halted(), most),
        _unread(reach.user, most),
    ]
    text = "SELECT " + ", ".join(f"({text})" for text, _ in counts)
    return text, tuple(chain.from_iterable(parameters for _, parameters in counts))


def _counted(walks: Iterable[Walk[Any]], most: int) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that counts what is in any of the walks, each row once, up to about `most`."""
    cut = [walk.part(Span(most)).values("pk")[:most] for walk in walks]
    written = [rows.query.sql_with_params() for rows in cut]
    parts = [f"SELECT * FROM ({text}) AS walk{at}" for at, (text, _) in enumerate(written)]
    counted = f"SELECT COUNT(*) FROM ({' UNION '.join(parts)}) AS waiting"
    every = tuple(one for _, parameters in written for one in parameters)
    first, known = written[0]
    # Where the first reason gives as many as are counted, the others are not asked for.
    enough = f"(SELECT COUNT(*) FROM ({first}) AS enough) >= {most}"
    return f"SELECT CASE WHEN {enough} THEN {most} ELSE ({counted}) END", known + every


def _unread(user: User, most: int) -> tuple[str, tuple[Any, ...]]:
    rows = Notification.objects.unread().filter(user=user.pk).values("pk")[:most]
    text, parameters = rows.query.sql_with_params()
    return f"SELECT COUNT(*) FROM ({text}) AS unread", parameters
