"""The page of a timeline: filters, words, and the cost of it."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from instances import audit
from instances.engine import health
from instances.models import (
    Health,
    HealthCheck,
    Instance,
    LogKind,
)
from tests.timeline.told import entry, page

pytestmark = pytest.mark.django_db(transaction=True)


def test_filters_narrow_the_timeline(made: Instance, signed_in: Client) -> None:
    entry(made, minutes=1, path="/changed")
    entry(made, minutes=2, kind=LogKind.CALL, path="/called")
    assert "/changed" in page(signed_in, made)
    assert "/changed" in page(signed_in, made, "?show=changes")
    assert "/called" not in page(signed_in, made, "?show=changes")
    assert "/called" in page(signed_in, made, "?show=calls")
    assert "Created on the platform" in page(signed_in, made, "?show=ours")
    assert "/changed" not in page(signed_in, made, "?show=ours")
    assert "/changed" in page(signed_in, made, "?show=nonsense&after=nonsense")


def test_a_change_of_health_is_told_in_words(made: Instance, signed_in: Client) -> None:
    audit.record(None, "health.changed", made, state="action_needed", was="healthy", problem="gone")
    text = page(signed_in, made)
    assert "Health: action needed, was healthy" in text
    assert "does not exist any more" in text


def test_the_page_asks_for_old_lines_and_waits(made: Instance, signed_in: Client) -> None:
    assert 'hx-trigger="load"' in page(signed_in, made)
    signed_in.post(reverse("instances:log_read", args=[made.pk]))
    assert "Reading the platform" in page(signed_in, made)
    health.run(made.organization)
    text = page(signed_in, made)
    assert "logs were read" in text
    assert "hx-trigger" not in text.split('id="timeline"')[1]


def test_a_reading_that_failed_is_not_repeated_by_itself(made: Instance, signed_in: Client) -> None:
    Health.objects.update(log_problem="The platform did not answer.")
    assert 'hx-trigger="load"' not in page(signed_in, made)


def test_number_of_queries_does_not_grow(
    made: Instance,
    signed_in: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    entry(made, minutes=1, request_id="a")
    address = reverse("instances:instance_activity", args=[made.pk])
    signed_in.get(address)
    with django_assert_max_num_queries(26) as few:
        signed_in.get(address)
    for number in range(2, 30):
        entry(made, minutes=number, request_id=str(number))
        HealthCheck.objects.create(
            instance=made, method="ping", result="healthy", request_id=str(number)
        )
        audit.record(made.owner, "token.revealed", made)
    with django_assert_num_queries(len(few)):
        signed_in.get(address)
