"""The page of an instance's health: words, pictures, and a test on demand."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from instances.models import (
    BreakerState,
    Health,
    HealthCheck,
    HealthDay,
    HealthState,
    Instance,
    Organization,
    Share,
    ShareLevel,
)
from instances.models.health import today
from instances.views import charts
from instances.views.diagnosis import PROBLEMS, diagnose

pytestmark = pytest.mark.django_db

Watch = Callable[..., Health]


def page(client: Client, instance: Instance) -> str:
    answer = client.get(reverse("instances:instance_health", args=[instance.pk]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def watch(active: Instance) -> Watch:
    """Say how the instance is doing, as a worker would have found."""

    def say(state: str = HealthState.HEALTHY, **fields: object) -> Health:
        fields = {"checked_at": timezone.now(), "organization": active.organization} | fields
        return Health.objects.update_or_create(
            instance=active, defaults={"state": state, **fields}
        )[0]

    return say


def test_before_the_first_check_it_is_unknown(signed_in: Client, active: Instance) -> None:
    text = page(signed_in, active)
    assert "It was not looked at yet." in text
    assert "No check yet" in text


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_problem_says_what_it_means_and_whose_job_it_is(
    signed_in: Client, active: Instance, watch: Watch, problem: str
) -> None:
    watch(HealthState.ACTION_NEEDED, problem=problem)
    text = page(signed_in, active).replace("&#x27;", "'")
    meaning, job, step = PROBLEMS[problem]
    assert all(words in text for words in ("Action needed", meaning, job, step))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("healthy", "nothing speaks against it"),
        ("retrying", "You need not do anything"),
        ("disabled", "It is switched off on the platform"),
    ],
)
def test_each_state_is_said_in_words(
    signed_in: Client, active: Instance, watch: Watch, state: str, words: str
) -> None:
    watch(state)
    assert words in page(signed_in, active)


def test_what_holds_the_organization_up_comes_first(active: Instance, watch: Watch) -> None:
    health = watch()
    organization = active.organization
    organization.secrets_refused_at = timezone.now()
    refused = diagnose(health, organization)
    assert (refused.state, refused.problem) == (HealthState.ACTION_NEEDED, "secrets")
    organization.secrets_refused_at, organization.breaker = None, BreakerState.OPEN
    assert diagnose(health, organization).problem == "paused"
    organization.breaker, organization.is_active = BreakerState.CLOSED, False
    assert diagnose(health, organization).problem == "halted"


def test_an_old_word_proves_nothing(active: Instance, watch: Watch) -> None:
    health = watch(checked_at=timezone.now() - timedelta(days=4))
    shown = diagnose(health, active.organization)
    assert (shown.state, shown.problem) == (HealthState.UNKNOWN, "stale")


def test_the_head_of_every_tab_tells_the_state(
    signed_in: Client, active: Instance, watch: Watch
) -> None:
    watch(HealthState.ACTION_NEEDED, problem="invalid")
    for name in ("detail", "configuration", "token", "instance_activity", "sharing"):
        text = signed_in.get(reverse(f"instances:{name}", args=[active.pk])).content.decode()
        assert "tone-bad" in text.split('class="tabs"')[0]


def test_the_strip_has_a_cell_for_each_of_90_days(active: Instance) -> None:
    HealthDay.objects.create(
        instance=active, day=today(), state="action_needed", problem="invalid", checks=4, good=1
    )
    cells = charts.strip(HealthDay.objects.all(), today())
    assert len(cells) == 90
    assert {cell.state for cell in cells[:-1]} == {"none"}
    assert cells[-1].state == "action_needed"
    assert "1 of 4 checks good" in cells[-1].title
    assert cells[-1].x + cells[-1].width <= charts.WIDTH


def test_a_plot_is_broken_where_nothing_is_known() -> None:
    drawn = charts.plot([10.0, 20.0, None, 40.0])
    assert len(drawn.lines) == 2
    assert drawn.most == 40
    assert drawn.lines[1] == "900.0,2.0 900.0,2.0"


def test_a_plot_of_nothing_is_empty() -> None:
    assert charts.plot([None, None]).is_empty


def test_pictures_have_words_and_a_table(signed_in: Client, active: Instance, watch: Watch) -> None:
    watch()
    HealthDay.objects.create(
        instance=active, day=today(), state="healthy", checks=2, good=2, timed=2, latency_ms=90
    )
    text = page(signed_in, active)
    assert text.count('role="img"') == 2
    assert "2 of 2 checks good" in text
    assert '<td class="number">45 ms</td>' in text
    assert "style=" not in text


def test_checks_are_paged(signed_in: Client, active: Instance, watch: Watch) -> None:
    watch()
    for _ in range(25):
        HealthCheck.objects.create(instance=active, method="record", result="healthy")
    first = signed_in.get(reverse("instances:instance_health", args=[active.pk])).context["page"]
    assert len(first.rows) == 20
    assert first.older_than


def test_number_of_queries_does_not_grow(
    signed_in: Client,
    active: Instance,
    watch: Watch,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    watch()
    address = reverse("instances:instance_health", args=[active.pk])
    signed_in.get(address)
    with django_assert_max_num_queries(16) as few:
        signed_in.get(address)
    for number in range(15):
        HealthCheck.objects.create(
            instance=active, method="ping", result="healthy", asked_by=active.owner
        )
        HealthDay.objects.create(
            instance=active, day=today() - timedelta(days=number), state="healthy"
        )
    with django_assert_num_queries(len(few)):
        signed_in.get(address)


def test_a_test_is_asked_for_once_and_polled(signed_in: Client, active: Instance) -> None:
    address = reverse("instances:health_test", args=[active.pk])
    assert signed_in.post(address).headers["Location"].endswith("/health/")
    assert "hx-trigger" in page(signed_in, active)
    again = signed_in.post(address, follow=True)
    assert "under way already" in again.content.decode()


def test_the_whole_page_follows_the_polled_part_when_settled(
    signed_in: Client, active: Instance, watch: Watch
) -> None:
    address = reverse("instances:instance_health", args=[active.pk])
    watch(asked_at=timezone.now(), asked_by=active.owner)
    part = signed_in.get(address, headers={"HX-Target": "health"})
    assert "HX-Retarget" not in part.headers
    assert b"Testing now" in part.content
    watch(asked_at=None)
    whole = signed_in.get(address, headers={"HX-Target": "health"})
    assert whole.headers["HX-Retarget"] == "body"
    assert b"</html>" in whole.content


def test_who_may_only_look_is_offered_no_test(
    client: Client, active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    vera = make_user("vera")
    Share.objects.create(instance=active, user=vera, level=ShareLevel.VIEW, granted_by=operator)
    client.force_login(vera)
    assert "Test now" not in page(client, active)


def test_an_inactive_instance_is_not_watched(
    signed_in: Client, ask: Callable[..., Instance]
) -> None:
    instance = ask()
    assert "Not watched" in page(signed_in, instance)
    answer = signed_in.post(reverse("instances:health_test", args=[instance.pk]), follow=True)
    assert "Only an active instance" in answer.content.decode()


def test_a_paused_organization_is_said_to_keep_the_test_waiting(
    signed_in: Client, active: Instance, watch: Watch
) -> None:
    watch(asked_at=timezone.now(), asked_by=active.owner)
    later = timezone.now() + timedelta(minutes=1)
    Organization.objects.update(breaker=BreakerState.OPEN, paused_until=later)
    assert "as soon as calls go out again" in page(signed_in, active)
