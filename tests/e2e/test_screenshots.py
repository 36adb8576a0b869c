"""
Pictures of the pages for README and docs, in both schemes.

They are kept where SCREENSHOTS names a folder (`make screenshots`), and only looked at otherwise.
"""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    Health,
    HealthCheck,
    HealthCount,
    HealthDay,
    HealthState,
    Instance,
    OperationState,
    Organization,
)
from instances.models.health import today
from tests.e2e.conftest import Visitor
from tests.states import put_in_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WINDOW = {"width": 1440, "height": 810}
# Name, state of the request, state of health and problem.
SHOWN = [
    ("Zuora revenue", OperationState.SUCCEEDED, HealthState.HEALTHY, ""),
    ("Zuora collections", OperationState.SUCCEEDED, HealthState.HEALTHY, ""),
    ("Zuora billing EMEA", OperationState.SUCCEEDED, HealthState.ACTION_NEEDED, "invalid"),
    ("Zuora billing Nordics", OperationState.SUCCEEDED, HealthState.HEALTHY, ""),
    ("Zuora tax", OperationState.SUCCEEDED, HealthState.RETRYING, "provider"),
    ("Zuora migration test", OperationState.REJECTED, None, ""),
    ("Zuora subscriptions", OperationState.NEEDS_PERSON, None, ""),
    ("Zuora payments", OperationState.SENDING, None, ""),
]
# Pictures that differ in their random numbers would not be comparable.
chance = random.Random(7)


@pytest.fixture
def northwind(ask: Callable[..., Instance], organization: Organization) -> Instance:
    """A desk with a month behind it; returned is the instance that is shown closely."""
    Organization.objects.update(name="Northwind", environment_label="Staging")
    organization.refresh_from_db()
    for number, (name, state, health, problem) in enumerate(SHOWN):
        tags = [["finance"], ["billing", "emea"], ["payments"]][number % 3]
        row = ask(name=name, tag_names=tags)
        put_in_state(row, state)
        if health:
            watch(row, health, problem)
    for back in range(30):
        bad = chance.randrange(0, 3)
        count = {"healthy": 40 - back // 3 - bad, "action_needed": bad + 1, "retrying": 1}
        day, now = today() - timedelta(days=back), timezone.now()
        HealthCount.objects.create(organization=organization, day=day, counted_at=now, **count)
    return Instance.objects.get(name="Zuora billing EMEA")


def watch(instance: Instance, state: HealthState, problem: str) -> None:
    """Write what 80 days of checks left."""
    now = timezone.now()
    known: dict[str, Any] = {"checked_at": now, "good_at": now - timedelta(hours=5)}
    Health.objects.create(
        instance=instance,
        organization=instance.organization,
        state=state,
        problem=problem,
        since=now - timedelta(hours=3),
        latency_ms=212,
        due_at=now + timedelta(days=1),
        **known,
    )
    HealthDay.objects.bulk_create(day_of(instance, back) for back in range(80))
    for number in range(4):
        HealthCheck.objects.create(
            instance=instance,
            method=["record", "ping"][number % 2],
            result=state if number == 3 else HealthState.HEALTHY,
            http_status=200,
            latency_ms=200 + 9 * number,
        )


def day_of(instance: Instance, back: int) -> HealthDay:
    """Return one day, good but for some."""
    checks = chance.randrange(1, 5)
    return HealthDay(
        instance=instance,
        day=today() - timedelta(days=back),
        state=HealthState.HEALTHY if back % 23 else HealthState.RETRYING,
        checks=checks,
        good=checks,
        timed=checks,
        latency_ms=checks * chance.randrange(180, 420),
        latency_most_ms=450,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_readme(
    visitor: Callable[..., Visitor],
    with_password: Callable[[User], User],
    northwind: Instance,
    operator: User,
    scheme: str,
) -> None:
    with_password(operator)
    olivia = visitor(viewport=WINDOW, color_scheme=scheme)
    olivia.sign_in("olivia")
    addresses = {
        "overview": "/",
        "list": "/instances/",
        "detail": northwind.get_absolute_url(),
        "health": reverse("instances:instance_health", args=[northwind.pk]),
    }
    for name, address in addresses.items():
        olivia.visit(address)
        picture = olivia.page.screenshot()
        assert olivia.overflow() <= 0
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder, f"{name}-{scheme}.png").write_bytes(picture)
