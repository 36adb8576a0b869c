"""The status page: what is broken is said to be, and what is not is not."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from instances import audit
from instances.engine import housekeeping, presence
from instances.models import (
    AuditEntry,
    Installation,
    Instance,
    Operation,
    OperationState,
    Organization,
    Worker,
)
from instances.vault import keyring
from instances.views.status import Part
from tests.states import put_in_state

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    """A browser in which a superuser is signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def part(client: Client, name: str) -> Part:
    answer = client.get("/status/")
    assert answer.status_code == 200
    (found,) = [one for one in answer.context["parts"] if one.name == name]
    assert isinstance(found, Part)
    return found


def numbers(client: Client) -> dict[str, str]:
    text = re.sub(r"\s+", " ", client.get("/status/").content.decode())
    return {
        label: number
        for number, label in re.findall(r"<strong>([\d,+]+)</strong><span>([^<]+)</span>", text)
    }


def test_without_a_worker_it_says_that_nothing_is_sent(root: Client) -> None:
    found = part(root, "Workers")
    assert not found.is_good
    assert "nothing is sent" in found.known


def test_a_worker_that_swept_is_there(root: Client) -> None:
    housekeeping.run()
    assert part(root, "Workers").is_good
    assert presence.name() in root.get("/status/").content.decode()


def test_a_worker_that_fell_silent_is_gone(root: Client) -> None:
    presence.tell()
    Worker.objects.update(seen_at=Now() - timedelta(minutes=2))
    found = part(root, "Workers")
    assert not found.is_good
    assert found.at is not None
    assert presence.name() not in root.get("/status/").content.decode()


def test_a_worker_that_went_a_day_ago_is_forgotten() -> None:
    Worker.objects.bulk_create([Worker(name="old:1")])
    Worker.objects.update(seen_at=Now() - timedelta(hours=25))
    presence.tell()
    assert [one.name for one in Worker.objects.all()] == [presence.name()]


def test_what_waits_too_long_for_a_worker_is_said(
    root: Client, ask: Callable[..., Instance]
) -> None:
    assert part(root, "Queue").known == "Nothing waits for a worker."
    ask()
    assert part(root, "Queue").is_good
    Operation.objects.update(next_run_at=Now() - timedelta(minutes=3))
    assert not part(root, "Queue").is_good


def test_operations_are_counted_where_they_stand(
    root: Client, ask: Callable[..., Instance], organization: Organization
) -> None:
    for number, state in enumerate(
        (OperationState.UNKNOWN, OperationState.BLOCKED, OperationState.NEEDS_PERSON)
    ):
        put_in_state(ask(name=f"In {number}"), state)
    Organization.objects.update(secrets_refused_at=Now())
    found = numbers(root)
    assert (
        found["Outcome unknown"] == found["Wait for new secrets"] == found["Action needed"] == "1"
    )


def test_a_broker_that_is_away_is_said(root: Client) -> None:
    assert part(root, "Broker").is_good
    kept = current_app.conf.broker_write_url
    current_app.conf.update({"broker_write_url": "redis://127.0.0.1:1"})
    try:
        assert not part(root, "Broker").is_good
    finally:
        current_app.conf.update({"broker_write_url": kept})


def test_a_key_ring_that_cannot_be_read_is_said_without_an_error(
    root: Client, settings: Settings
) -> None:
    assert part(root, "Keys").known == "New values are sealed with t1."
    settings.VAULT = {"KEYRING": "", "KEYRING_FILE": "missing"}
    keyring.ring.cache_clear()
    assert not part(root, "Keys").is_good


def test_a_restored_backup_is_said(root: Client) -> None:
    assert part(root, "Sending").is_good
    Installation.current()
    Installation.objects.update(fenced_at=Now())
    assert not part(root, "Sending").is_good


def test_entries_that_nobody_seals_are_said(root: Client) -> None:
    housekeeping.run()
    assert part(root, "Audit record").is_good
    entry = audit.entry(None, "backup.noted", Installation.current())
    entry.at = timezone.now() - timedelta(minutes=11)
    entry.save(force_insert=True)
    assert not part(root, "Audit record").is_good


def test_a_backup_counts_for_two_days(root: Client) -> None:
    assert not part(root, "Last backup").is_good
    call_command("note_backup")
    assert part(root, "Last backup").is_good
    assert AuditEntry.objects.get(action="backup.noted").actor_name == "command line"
    Installation.objects.update(backed_up_at=Now() - timedelta(days=3))
    assert not part(root, "Last backup").is_good


def test_queries_do_not_grow_with_what_waits(
    root: Client, ask: Callable[..., Instance], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(5):
        ask(name=f"Number {number}")
    presence.tell()
    with django_assert_max_num_queries(30):
        root.get("/status/")
