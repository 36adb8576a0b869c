"""Everything that happened to an instance, from whoever tells it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from instances import audit, operations
from instances.engine import health, platform_log
from instances.forms import Place, Show
from instances.models import (
    Attempt,
    Health,
    Instance,
    LogKind,
    LogReading,
    PlatformEntry,
)
from instances.views.timeline import timeline_of
from sandbox.running import Account
from tests.cases import work
from tests.timeline.told import Ask, entry, page, read_log, titles

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_change_in_the_vendors_console_appears_with_user_and_address(
    made: Instance, account: Account
) -> None:
    account.add_audit_log(made.remote_id or 0, method="PATCH", user_id=77, ip_address="203.0.113.9")
    read_log(made)
    line = timeline_of(made, Show.CHANGES).lines[0]
    assert line.event.title == f"PATCH /elements/api-v2/instances/{made.remote_id}"
    assert line.event.who == "platform user 77"
    assert line.event.address == "203.0.113.9"
    assert line.event.request_id


def test_our_request_and_the_platforms_line_are_one(made: Instance) -> None:
    read_log(made)
    created = Attempt.objects.get()
    assert PlatformEntry.objects.filter(request_id=created.request_id).count() == 1
    shown = [
        line
        for line in timeline_of(made, Show.ALL).lines
        if line.event.request_id == created.request_id
    ]
    (line,) = shown
    assert line.event.source == "Our request"
    assert line.seen
    assert line.seen.address == "127.0.0.1"


def test_calls_are_told_and_our_own_test_is_marked(made: Instance, account: Account) -> None:
    account.add_usage(made.remote_id or 0, count=2, address="198.51.100.4", path="/products")
    operations.request_test(actor=made.owner, instance=made)
    health.run(made.organization)
    read_log(made)
    lines = timeline_of(made, Show.CALLS).lines
    assert [line.event.address for line in lines].count("198.51.100.4") == 2
    assert [line.event.detail.startswith("A test of ours") for line in lines].count(True) == 1


def test_reading_twice_keeps_each_line_once(made: Instance, account: Account) -> None:
    account.add_audit_log(made.remote_id or 0)
    read_log(made)
    before = PlatformEntry.objects.count()
    read_log(made)
    assert PlatformEntry.objects.count() == before


def test_lines_stay_when_the_platform_forgets_them(made: Instance, account: Account) -> None:
    account.add_audit_log(made.remote_id or 0)
    read_log(made)
    before = PlatformEntry.objects.count()
    account.set(audit_days=0.0, usage_days=0.0)
    read_log(made)
    assert PlatformEntry.objects.count() == before


def test_one_reading_serves_a_whole_organization(
    made: Instance, ask: Ask, account: Account
) -> None:
    second = ask(name="second")
    work()
    second.refresh_from_db()
    for instance in (made, second):
        account.add_audit_log(instance.remote_id or 0, user_id=77)
    seen = len(account.ledger())
    platform_log.sweep(made.organization)
    assert len(account.ledger()) == seen + 1
    for instance in (made, second):
        assert PlatformEntry.objects.filter(instance=instance, user="77").count() == 1
    assert LogReading.objects.get().read_to
    platform_log.sweep(made.organization)
    assert len(account.ledger()) == seen + 1


def test_a_reading_goes_through_all_pages(made: Instance, account: Account) -> None:
    for number in range(205):
        account.add_audit_log(made.remote_id or 0, id=f"many-{number}")
    platform_log.sweep(made.organization)
    assert PlatformEntry.objects.filter(key__startswith="many-").count() == 205


def test_what_could_not_be_read_is_said_and_read_the_next_time(
    made: Instance, account: Account, signed_in: Client
) -> None:
    account.add_audit_log(made.remote_id or 0, user_id=77)
    account.fault("status", path="/audit-logs", method="GET", status=503, times=2)
    platform_log.sweep(made.organization)
    assert LogReading.objects.get().read_to is None
    read_log(made)
    assert "could not be read" in page(signed_in, made)
    LogReading.objects.update(due_at=Now())
    platform_log.sweep(made.organization)
    assert PlatformEntry.objects.filter(user="77").exists()


def test_lines_of_other_organizations_instances_are_not_kept(
    made: Instance, account: Account
) -> None:
    other = account.add_instance(name="Not here")
    account.add_audit_log(other["id"])
    platform_log.sweep(made.organization)
    assert not PlatformEntry.objects.exclude(instance=made).exists()


def test_who_deleted_it_is_read_before_it_is_forgotten(made: Instance, account: Account) -> None:
    account.add_audit_log(made.remote_id or 0, method="DELETE", user_id=77)
    Instance.objects.update(status="deleted")
    Health.objects.update(due_at=Now())
    health.run(made.organization)
    assert PlatformEntry.objects.filter(method="DELETE", user="77").exists()


def test_of_calls_the_newest_are_kept(made: Instance, account: Account, settings: Settings) -> None:
    settings.HEALTH = {**settings.HEALTH, "LOG_CALLS": 3}
    account.add_usage(made.remote_id or 0, count=9)
    read_log(made)
    kept = PlatformEntry.objects.filter(kind=LogKind.CALL)
    assert kept.count() == 3
    assert min(kept.values_list("at", flat=True)) > timezone.now() - timedelta(minutes=5)


def test_old_lines_are_forgotten(made: Instance) -> None:
    entry(made, minutes=60 * 24 * 401)
    entry(made, minutes=5)
    platform_log.forget()
    assert PlatformEntry.objects.count() == 1


def test_a_path_is_kept_without_its_query(made: Instance, account: Account) -> None:
    account.add_usage(made.remote_id or 0, path="/products?access_token=planted")
    read_log(made)
    assert not PlatformEntry.objects.filter(path__contains="planted").exists()


def test_one_order_over_all_sources(made: Instance) -> None:
    entry(made, minutes=-1, method="PATCH", path="/newest")
    entry(made, minutes=60, method="PATCH", path="/oldest")
    shown = titles(timeline_of(made, Show.ALL))
    assert shown[0] == "PATCH /newest"
    assert shown[-1] == "PATCH /oldest"
    assert "Request 1: POST /instances" in shown
    assert "Created on the platform" in shown


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_lose_nothing_and_repeat_nothing_in_both_directions(
    made: Instance, size: int
) -> None:
    moment = timezone.now() - timedelta(minutes=3)
    for number in range(9):
        # All at the same moment: only source and number tell them apart.
        entry(made, minutes=number, at=moment, path=f"/{number}", key=str(number))
        audit.record(made.owner, "token.revealed", made)
    Attempt.objects.update(started_at=moment)
    whole = [line.place for line in timeline_of(made, Show.ALL).lines]
    assert whole == sorted(whole, reverse=True)
    assert len(whole) == len(set(whole))
    assert len(whole) >= 21
    down, position = [], None
    while True:
        part = timeline_of(made, Show.ALL, older_than=position, size=size)
        down += [line.place for line in part.lines]
        position = part.older_than
        if position is None:
            break
    assert down == whole
    up: list[Place] = []
    position = whole[-1]
    while position is not None:
        part = timeline_of(made, Show.ALL, newer_than=position, size=size)
        up = [line.place for line in part.lines] + up
        position = part.newer_than
    assert up == whole[:-1]


@pytest.mark.parametrize("text", ["", "x", "1~2~3", "2026-01-01T00:00:00~1~1", "a~b~c~d", "~~"])
def test_a_damaged_place_counts_as_absent(text: str) -> None:
    assert Place.parse(text) is None
