"""Pages of a young installation, of whose tables the database was told nothing true yet."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from instances.engine import housekeeping
from instances.models import Instance
from tests.narrowed import QUERIES
from tests.test_plans import nodes_of
from tests.worlds import World, build

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]

PAGES = [*(f"/instances/?{query}" for query in QUERIES), "/", "/attention/", "/activity/"]


class GoneError(Exception):
    """Nothing of this stays."""


@pytest.fixture
def world(make_user: Callable[..., User]) -> World:
    """A world that came after the database had counted its tables, and found them empty."""
    try:
        with transaction.atomic():
            build(0, make_user)
            raise GoneError
    except GoneError:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return build(0, make_user)


def looked_at(statement: str) -> int:
    """Return how many rows PostgreSQL looks at; of SQLite, how many thousand steps it takes."""
    if connection.vendor == "sqlite":
        return _steps(statement)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement)
        told = cursor.fetchone()[0]
    plan = told if isinstance(told, list) else json.loads(told)
    return round(sum(map(_rows, nodes_of(plan[0]["Plan"]))))


def _rows(node: dict[str, Any]) -> float:
    thrown = sum(many for name, many in node.items() if name.startswith("Rows Removed by"))
    rows: float = (node["Actual Rows"] + thrown) * node["Actual Loops"]
    return rows


def _steps(statement: str) -> int:
    taken: list[int] = []
    with connection.cursor() as cursor:
        connection.connection.set_progress_handler(lambda: taken.append(1), 1000)
        cursor.execute(statement)
        cursor.fetchall()
        connection.connection.set_progress_handler(None, 0)
    return len(taken)


def test_no_page_looks_at_rows_more_than_for_each_other_row(world: World) -> None:
    most = 10 * len(world.instances) ** 2
    for user in (world.people[0], world.people[4], world.people[-1]):
        client = Client()
        client.force_login(user)
        for address in PAGES:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            asked = [one["sql"] for one in captured if one["sql"].startswith("SELECT")]
            assert max(map(looked_at, asked)) < most, (user, address)


def test_sqlite_counts_its_tables_once_they_have_doubled(world: World) -> None:
    housekeeping.count_tables.cache_clear()
    like = world.instances[0]
    rows = (
        {"organization": like.organization, "owner": like.owner, "name": f"{at}"}
        for at in range(1000)
    )
    Instance.objects.bulk_create(Instance(**row) for row in rows)
    told: list[list[str]] = []
    for period in (1, 1, 2):
        with CaptureQueriesContext(connection) as captured:
            housekeeping.count_tables(period)
        told.append([one["sql"] for one in captured if one["sql"] == "ANALYZE"])
    assert told == [["ANALYZE"] if connection.vendor == "sqlite" else [], [], []]
