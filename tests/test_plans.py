"""Each list is read along indexes, for whoever looks."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import planted
from bench.crowd import Crowd
from instances import access
from instances.models import InstanceStatus

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]

ROWS = 10_000
MOST_QUERIES = 20
LARGE = (
    "instances_instance",
    "instances_operation",
    "instances_attempt",
    "instances_instancetag",
    "instances_health",
)
# Of the rows there are, what one statement may look at.
MOST_READ = ROWS // 4


@pytest.fixture
def crowd() -> Crowd:
    """As many rows as an index is worth."""
    made = Crowd(ROWS)
    made.plant()
    return made


def queries(viewer: str, address: str) -> list[str]:
    """Return what a page asks of the database."""
    client = Client()
    client.force_login(User.objects.get(username=viewer))
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def complaints(statement: str) -> list[str]:
    """Return where a statement reads a large table without an index, or too many rows of one."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement.replace('%', '%%')}")
            steps = [str(row[3]) for row in cursor.fetchall()]
        return [step for step in steps if re.fullmatch(r"SCAN (\w+)", step) and step[5:] in LARGE]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.replace("%", "%%"))
        told = cursor.fetchone()[0]
    plan = told if isinstance(told, list) else json.loads(told)
    return [one for node in nodes_of(plan[0]["Plan"]) for one in _wrong(node)]


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every node of one of PostgreSQL's plans."""
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes_of(part))]


def _wrong(node: dict[str, Any]) -> list[str]:
    table = node.get("Relation Name")
    if table not in LARGE:
        return []
    thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    read = (node["Actual Rows"] + thrown) * node["Actual Loops"]
    found = [f"all of {table}"] if node["Node Type"] == "Seq Scan" else []
    return found + ([f"{read:.0f} rows of {table}"] if read > MOST_READ else [])


def test_each_page_is_read_along_indexes_in_few_queries(crowd: Crowd) -> None:
    for viewer in planted.VIEWERS:
        for name, address in planted.pages(crowd).items():
            asked = queries(viewer, address)
            assert len(asked) <= MOST_QUERIES
            for statement in asked:
                assert complaints(statement) == [], (viewer, name, statement)


def test_name_of_a_copy_and_of_a_twin_is_found_along_an_index(crowd: Crowd) -> None:
    admin = User.objects.get(username="admin")
    zuoras = access.managed_by(admin).filter(element_key="zuorav2")
    source = zuoras.filter(status=InstanceStatus.ACTIVE).first()
    assert source is not None
    for address in (f"/instances/new/?from={source.pk}", f"/instances/{source.pk}/rotate/"):
        for statement in queries("admin", address):
            assert complaints(statement) == [], (address, statement)
