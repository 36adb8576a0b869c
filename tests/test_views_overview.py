"""The start page: counts, trend and what needs somebody, of what a person may see and no more."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from instances.models import (
    BreakerState,
    Health,
    HealthCount,
    HealthState,
    Instance,
    InstanceStatus,
    OperationState,
    Organization,
    Share,
    ShareLevel,
)
from instances.models.health import today
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]


def read(client: Client) -> Any:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer


def words(client: Client) -> str:
    return re.sub(r"\s+", " ", read(client).content.decode())


def numbers(client: Client) -> dict[str, int]:
    return {tile.state: tile.number for tile in read(client).context["tiles"] if tile.number}


def count(organization: Organization, **fields: Any) -> HealthCount:
    known = {"day": today(), "counted_at": timezone.now()} | fields
    return HealthCount.objects.create(organization=organization, **known)


def broken(instance: Instance, problem: str = "invalid", minutes: int = 0) -> Health:
    now = timezone.now() - timedelta(minutes=minutes)
    return Health.objects.create(
        instance=instance,
        organization=instance.organization,
        state=HealthState.ACTION_NEEDED,
        problem=problem,
        since=now,
        checked_at=timezone.now(),
    )


def another(name: str = "Other") -> Organization:
    return Organization.objects.create(
        name=name,
        base_url="https://api.cloud-elements.com/elements/api-v2",
        user_secret="ce1.x",
        organization_secret="ce1.x",
        secrets_set_at=timezone.now(),
    )


def test_counts_are_of_own_organizations(signed_in: Client, organization: Organization) -> None:
    count(organization, healthy=7, action_needed=2)
    count(another(), healthy=1000)
    assert numbers(signed_in) == {"healthy": 7, "action_needed": 2}


def test_the_newest_count_is_shown_also_just_after_midnight(
    signed_in: Client, organization: Organization
) -> None:
    count(organization, healthy=7, day=today() - timedelta(days=1))
    HealthCount.objects.create(organization=organization, day=today())
    assert numbers(signed_in) == {"healthy": 7}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"secrets_refused_at": Now()}, {"action_needed": 9}),
        ({"is_active": False}, {"action_needed": 9}),
        (
            {"breaker": BreakerState.OPEN, "paused_until": Now()},
            {"retrying": 7, "action_needed": 2},
        ),
    ],
)
def test_what_holds_the_organization_up_holds_up_all_of_it(
    signed_in: Client,
    organization: Organization,
    fields: dict[str, Any],
    expected: dict[str, int],
) -> None:
    count(organization, healthy=7, action_needed=2)
    Organization.objects.update(**fields)
    assert numbers(signed_in) == expected


def test_what_was_shared_is_counted_and_shown(
    client: Client, active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    tara = make_user("tara")
    broken(active)
    count(active.organization, healthy=50)
    client.force_login(tara)
    assert numbers(client) == {}
    assert active.name not in words(client)
    share = Share.objects.create(
        instance=active, user=tara, level=ShareLevel.VIEW, granted_by=operator
    )
    assert numbers(client) == {"action_needed": 1}
    assert active.name in words(client)
    Share.objects.filter(pk=share.pk).update(expires_at=Now())
    assert numbers(client) == {}


def test_what_is_broken_is_shown_newest_first_with_whose_job_it_is(
    signed_in: Client, ask: Ask
) -> None:
    for at in range(8):
        instance = ask(name=f"Number {at}")
        put_in_state(instance, OperationState.SUCCEEDED)
        broken(instance, minutes=at)
    shown = [item.health.instance.name for item in read(signed_in).context["broken"]]
    assert shown == [f"Number {at}" for at in range(6)]
    assert "whoever manages the instance" in words(signed_in)


def test_what_was_deleted_needs_nobody(signed_in: Client, active: Instance) -> None:
    broken(active)
    Instance.objects.update(status=InstanceStatus.DELETED)
    assert read(signed_in).context["broken"] == []


def test_a_refused_organization_is_one_line_and_not_one_for_each_instance(
    signed_in: Client, active: Instance
) -> None:
    broken(active, problem="secrets")
    Organization.objects.update(secrets_refused_at=Now())
    text = words(signed_in)
    assert "The platform refuses its secrets." in text
    assert read(signed_in).context["broken"] == []


def test_requests_that_wait_are_said(signed_in: Client, ask: Ask) -> None:
    put_in_state(ask(), OperationState.NEEDS_PERSON)
    assert "1 request or finding" in words(signed_in)


def test_without_anything_it_says_what_to_do(
    client: Client, make_user: Callable[..., User]
) -> None:
    client.force_login(make_user("stranger"))
    text = words(client)
    assert "Nothing needs you" in text
    assert "As soon as somebody shares" in text


def test_the_trend_adds_up_days_and_leaves_gaps(
    signed_in: Client, organization: Organization
) -> None:
    for back, healthy in ((0, 5), (1, 6), (3, 4), (31, 99)):
        count(organization, healthy=healthy, day=today() - timedelta(days=back))
    context = read(signed_in).context
    assert [sum(row) for _, row in context["trend"]] == [5, 6, 4]
    assert len(context["healthy"].lines) == 2


def test_last_activity_is_of_what_one_may_see(
    client: Client, signed_in: Client, ask: Ask, make_user: Callable[..., User]
) -> None:
    ask(name="Mine")
    assert [one.made.name for one in read(signed_in).context["operations"]] == ["Mine"]
    client.force_login(make_user("stranger"))
    assert read(client).context["operations"] == []


def test_number_of_queries_does_not_grow(
    signed_in: Client,
    ask: Ask,
    operator: User,
    organization: Organization,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    read(signed_in)
    with django_assert_max_num_queries(20) as few:
        read(signed_in)
    for at in range(6):
        instance = ask(name=f"Number {at}")
        put_in_state(instance, OperationState.SUCCEEDED)
        broken(instance)
        more = another(f"Organization of number {at}")
        more.memberships.create(user=operator, role="viewer")
        count(more, healthy=at)
    with django_assert_num_queries(len(few)):
        read(signed_in)


def test_needs_attention_names_broken_instances_and_no_others(
    client: Client, active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    tara = make_user("tara")
    broken(active)
    client.force_login(tara)
    assert active.name not in client.get("/attention/").content.decode()
    Share.objects.create(instance=active, user=tara, level=ShareLevel.VIEW, granted_by=operator)
    text = client.get("/attention/").content.decode()
    assert active.name in text
    assert "whoever manages the instance" in text
    client.force_login(operator)
    assert active.name in client.get("/attention/").content.decode()


def test_an_old_finding_needs_nobody(
    client: Client, active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    tara = make_user("tara")
    Share.objects.create(instance=active, user=tara, level=ShareLevel.VIEW, granted_by=operator)
    broken(active)
    for user in (tara, operator):
        client.force_login(user)
        assert client.get("/attention/").context["waiting"]["all"] == "1"
    Health.objects.update(checked_at=timezone.now() - timedelta(days=4))
    for user in (tara, operator):
        client.force_login(user)
        page = client.get("/attention/")
        assert (page.context["broken"], page.context["waiting"]["all"]) == ([], "")
        assert [item.instance.pk for item in client.get("/").context["broken"]] == []


def test_what_was_shared_and_never_looked_at_is_unknown(
    client: Client, active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    tara = make_user("tara")
    Share.objects.create(instance=active, user=tara, level=ShareLevel.VIEW, granted_by=operator)
    client.force_login(tara)
    assert numbers(client) == {"unknown": 1}


def test_what_was_shared_is_counted_up_to_a_hundred(
    client: Client, active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    tara = make_user("tara")
    rows = [
        Instance(
            organization=active.organization,
            owner=operator,
            name=f"Number {at}",
            element_key="zuorav2",
            status=InstanceStatus.ACTIVE,
            account="somewhere|1",
            remote_id=1000 + at,
            token="ce1.x",
        )
        for at in range(101)
    ]
    Instance.objects.bulk_create(rows)
    Share.objects.bulk_create(
        Share(instance=row, user=tara, level=ShareLevel.VIEW, granted_by=operator) for row in rows
    )
    client.force_login(tara)
    assert numbers(client) == {"unknown": 100}
    assert "100 or more active instances" in words(client)
