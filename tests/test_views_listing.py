"""The list: search, filters, pages, live rows."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from instances.models import (
    Health,
    HealthState,
    Instance,
    OperationState,
    Organization,
    Share,
)
from tests.states import put_in_state

Ask = Callable[..., Instance]
LIST = "/instances/"


def names(response: Any) -> list[str]:
    return [instance.name for instance in response.context["page"].rows]


def test_anonymous_is_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get(LIST).headers["Location"] == "/sign-in/?next=/instances/"


def test_list_shows_newest_first(signed_in: Client, ask: Ask) -> None:
    ask(name="first")
    ask(name="second")
    assert names(signed_in.get(LIST)) == ["second", "first"]


def test_list_hides_what_belongs_to_others(client: Client, ask: Ask, make_user: Any) -> None:
    ask()
    client.force_login(make_user("stranger"))
    assert names(client.get(LIST)) == []


@pytest.mark.parametrize(
    "query",
    [
        "q=wanted",
        "status=active",
        "environment=production",
        "tag=special",
        "organization={organization}",
        "owner=me&q=wanted",
    ],
)
def test_filters_narrow_the_list(
    signed_in: Client, ask: Ask, organization: Organization, query: str
) -> None:
    wanted = ask(
        name="wanted",
        tag_names=["special"],
        configuration={"zuorav2.sandbox": False, "username": "u", "password": "p"},
    )
    put_in_state(wanted, OperationState.SUCCEEDED)
    if "organization" not in query:
        ask(name="other")
    response = signed_in.get(f"{LIST}?{query.format(organization=organization.pk)}")
    assert names(response) == ["wanted"]


def test_each_filter_has_a_chip_that_removes_only_it(signed_in: Client, ask: Ask) -> None:
    ask()
    response = signed_in.get(f"{LIST}?tag=billing&status=queued&after={uuid.uuid4()}")
    chips = {chip.words: chip.url for chip in response.context["filters"].chips()}
    assert chips == {
        "Tag: billing": f"{LIST}?status=queued",
        "Status: Queued": f"{LIST}?tag=billing",
    }


def test_health_is_told_of_what_is_watched_and_of_nothing_else(
    signed_in: Client, active: Instance, ask: Ask
) -> None:
    ask(name="asked for")
    Health.objects.create(
        instance=active,
        organization=active.organization,
        state=HealthState.ACTION_NEEDED,
        problem="invalid",
        checked_at=timezone.now(),
    )
    answer = signed_in.get(LIST)
    told = {
        row.name: answer.context["diagnoses"].get(row.pk) for row in answer.context["page"].rows
    }
    assert told["asked for"] is None
    assert told[active.name].label == "Action needed"
    assert answer.content.decode().count("tone-bad") == 1


def test_what_is_disabled_is_not_among_the_active(signed_in: Client, active: Instance) -> None:
    Instance.objects.update(is_disabled=True)
    assert names(signed_in.get(f"{LIST}?status=active")) == []
    disabled = signed_in.get(f"{LIST}?status=disabled")
    assert names(disabled) == [active.name]
    assert "Status: Disabled" in disabled.content.decode()


def test_a_short_search_says_what_it_looks_at(signed_in: Client, ask: Ask) -> None:
    ask(name="ab", tag_names=["ab"])
    page = signed_in.get(f"{LIST}?q=ab")
    assert names(page) == ["ab"]
    assert "from three letters on" in page.content.decode()
    assert "from three letters on" not in signed_in.get(f"{LIST}?q=abc").content.decode()


def test_search_finds_a_remote_id(signed_in: Client, active: Instance) -> None:
    assert names(signed_in.get(f"{LIST}?q={active.remote_id}")) == [active.name]


def test_shared_list_shows_only_what_is_shared(
    client: Client, ask: Ask, make_user: Any, operator: User
) -> None:
    nora = make_user("nora")
    Share.objects.create(instance=ask(name="mine"), user=nora, level="view", granted_by=operator)
    ask(name="not mine")
    client.force_login(nora)
    assert names(client.get(f"{LIST}?access=shared")) == ["mine"]


@pytest.fixture
def hundred(ask: Ask, operator: User, organization: Organization) -> list[Instance]:
    """A hundred and twenty instances, oldest first."""
    rows = [
        Instance(organization=organization, owner=operator, name=f"{n}", element_key="zuorav2")
        for n in range(120)
    ]
    return Instance.objects.bulk_create(rows)


def test_pages_go_forward_and_back_by_key(signed_in: Client, hundred: list[Instance]) -> None:
    first = signed_in.get(LIST)
    assert names(first) == [str(n) for n in range(119, 69, -1)]
    second = signed_in.get(f"{LIST}?after={first.context['page'].older_than}")
    assert names(second) == [str(n) for n in range(69, 19, -1)]
    back = signed_in.get(f"{LIST}?before={second.context['page'].newer_than}")
    assert names(back) == names(first)
    assert back.context["page"].newer_than is None


def test_last_page_offers_nothing_older(signed_in: Client, hundred: list[Instance]) -> None:
    page = signed_in.get(f"{LIST}?after={hundred[20].pk}").context["page"]
    assert len(page.rows) == 20
    assert page.older_than is None


def test_damaged_page_key_shows_the_first_page(signed_in: Client, ask: Ask) -> None:
    ask()
    assert len(names(signed_in.get(f"{LIST}?after=nonsense"))) == 1


def test_query_count_does_not_grow_with_rows(
    signed_in: Client, ask: Ask, django_assert_num_queries: Any
) -> None:
    ask()
    with django_assert_num_queries(9):
        signed_in.get(LIST)
    for n in range(5):
        put_in_state(ask(tag_names=[f"tag {n}", "more"]), OperationState.SUCCEEDED)
    with django_assert_num_queries(9):
        signed_in.get(LIST)


@pytest.mark.parametrize("state", list(OperationState))
def test_list_polls_only_while_a_row_is_busy(
    signed_in: Client, ask: Ask, state: OperationState
) -> None:
    instance = ask()
    put_in_state(instance, state)
    page = signed_in.get(LIST).content.decode()
    assert ('hx-trigger="every 2s"' in page) == instance.is_busy


def test_poll_is_answered_with_the_rows_alone(signed_in: Client, ask: Ask) -> None:
    ask()
    page = signed_in.get(LIST, headers={"HX-Target": "rows"}).content.decode()
    assert page.strip().startswith("<tbody")
    assert "<html" not in page


@pytest.mark.parametrize(
    ("query", "words"),
    [("", "No instance yet"), ("?q=x", "Nothing matches"), ("?access=shared", "Nothing is shared")],
)
def test_empty_list_leads_on(signed_in: Client, query: str, words: str) -> None:
    assert words in signed_in.get(LIST + query).content.decode()


def test_person_without_organization_is_led_to_organizations(
    client: Client, make_user: Any
) -> None:
    client.force_login(make_user("new"))
    assert "No organization yet" in client.get(LIST).content.decode()
