"""Every list shows exactly what the person may see: compared with the rules in plain Python."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from instances import access
from instances.models import Instance, RotationState
from instances.reach import reach_of
from tests.narrowed import QUERIES
from tests.worlds import World, add_instance, build

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]


@pytest.fixture(params=range(2))
def world(request: pytest.FixtureRequest, make_user: Callable[..., User]) -> World:
    """A world of random people, shares and rows."""
    return build(request.param, make_user)


def pages(client: Client, address: str, between: Callable[[], object] = int) -> Iterator[Any]:
    """Look at each page by its link to older ones; `between` is done after each."""
    answer = client.get(address)
    yield answer
    while older := answer.context["page"].older_than:
        between()
        answer = client.get(f"{address}{'&' if '?' in address else '?'}after={older}")
        yield answer


def rows(answers: Iterator[Any]) -> list[Any]:
    return [row for answer in answers for row in answer.context["page"].rows]


@pytest.fixture
def browsers(world: World) -> list[tuple[User, Client]]:
    """Each person of the world, signed in."""
    signed_in = [(user, Client()) for user in world.people]
    for user, client in signed_in:
        client.force_login(user)
    return signed_in


def capped(number: int) -> str:
    return "99+" if number > 99 else str(number or "")


def newest_first(found: Iterator[Any]) -> list[uuid.UUID]:
    return sorted((row.pk for row in found), reverse=True)


def test_the_list_has_each_visible_match_once(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for (user, client), query in itertools.product(browsers, QUERIES):
        expected = newest_first(
            row
            for row in world.instances
            if world.sees(user, row) and QUERIES[query](world, user, row)
        )
        shown = rows(pages(client, f"/instances/?{query}"))
        assert [row.pk for row in shown] == expected, (user, query)
        assert {row.pk for row in access.visible_to(user)} >= set(expected)


def test_an_organization_as_filter_shows_what_is_visible_of_it(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for user, client in browsers:
        for organization in world.organizations:
            is_member = (user.pk, organization.pk) in world.roles
            expected = newest_first(
                row
                for row in world.instances
                if world.sees(user, row)
                and (row.organization_id == organization.pk or not is_member)
            )
            shown = rows(pages(client, f"/instances/?organization={organization.pk}"))
            assert [row.pk for row in shown] == expected


def test_rows_that_come_meanwhile_move_no_page(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for user, client in browsers:
        expected = newest_first(row for row in world.instances if world.sees(user, row))
        answers = pages(client, "/instances/?", between=lambda: add_instance(world))
        assert [row.pk for row in rows(answers)] == expected


def test_going_back_shows_the_pages_that_were_left(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for _, client in browsers:
        walked = [answer.context["page"] for answer in pages(client, "/instances/?")]
        for newer, older in itertools.pairwise(walked):
            back = client.get(f"/instances/?before={older.newer_than}").context["page"]
            assert [row.pk for row in back.rows] == [row.pk for row in newer.rows]


def test_activity_has_each_operation_on_visible_instances_once(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for user, client in browsers:
        expected = newest_first(
            one for one in world.operations if one.instance and world.sees(user, one.instance)
        )
        assert [row.pk for row in rows(pages(client, "/activity/"))] == expected


def test_attention_has_what_waits_and_what_may_be_decided(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for user, client in browsers:
        waiting = newest_first(one for one in world.operations if world.waits(user, one))
        broken = [one for one in world.instances if world.must_mend(user, one)]
        asking = newest_first(one for one in world.findings if world.asks(user, one))
        answers = list(pages(client, "/attention/"))
        assert [row.pk for row in rows(iter(answers))] == waiting
        assert [row.pk for row in answers[0].context["findings"]] == asking[:50]
        named = {item.instance.pk for item in answers[0].context["broken"]}
        assert named <= {one.pk for one in broken}
        assert len(named) == min(20, len(broken))
        told, decisions = answers[0].context["waiting"], len(waiting) + len(asking)
        assert told["decisions"] == capped(decisions)
        halted = newest_first(one for one in world.rotations if world.sees_halted(user, one))
        assert [row.pk for row in answers[0].context["halted"]] == halted[:20]
        assert told["all"] == capped(decisions + len(broken) + len(halted))


def test_list_names_the_other_of_a_rotation_only_to_who_may_see_it(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for user, client in browsers:
        expected = {
            one.pk: other.pk if world.sees(user, other) else None
            for rotation in world.rotations
            if rotation.state != RotationState.ENDED
            for one, other in itertools.permutations((rotation.old, rotation.new))
            if world.sees(user, one)
        }
        answers = list(pages(client, "/instances/?"))
        told = {pk: part for answer in answers for pk, part in answer.context["parts"].items()}
        assert {pk: part.other for pk, part in told.items()} == expected
        assert all(bool(part.name) == bool(part.other) for part in told.values())


def test_who_may_decide_is_told_for_each_request(
    world: World, browsers: list[tuple[User, Client]]
) -> None:
    for user, client in browsers:
        for answer in pages(client, "/attention/"):
            for standing in answer.context["standings"]:
                assert standing.may_decide == access.may_decide(user, standing.operation)


def test_nobody_who_is_switched_off_reaches_anything(world: World) -> None:
    user = world.people[-1]
    user.is_active = False
    reach = reach_of(user)
    walks = [reach.instances(Instance.objects.all()), reach.waiting(), reach.findings()]
    assert walks == [[], [], []]
