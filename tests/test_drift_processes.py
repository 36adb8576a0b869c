"""An account full of foreign instances is adopted, drifts in five ways, and is brought back."""

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances.models import (
    Instance,
    Intake,
    ListedInstance,
    Operation,
    Organization,
    Role,
    Standing,
    Synchronization,
    adoptions_under_way,
)
from sandbox.running import Account
from tests.workers import Worker, empty_broker, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# `make drift` asks for 10,000.
FOREIGN = int(os.environ.get("FOREIGN", "300"))
# So many drift in each of the five ways.
EACH = FOREIGN // 60
LONGEST = 30 + FOREIGN * 0.15
MOST_GROWTH = 60 * 2**20


@pytest.fixture
def worker(transactional_db: None, account: Account, tmp_path: Path) -> Iterator[Worker]:
    empty_broker()
    running = Worker(tmp_path, ELEMENTDESK_CALL_SECONDS="20", ELEMENTDESK_LEASE_SECONDS="30")
    yield running
    running.stop()


@pytest.fixture
def admin(client: Client, member: Callable[..., User]) -> Client:
    client.force_login(member(Role.ADMIN, "admin"))
    return client


@pytest.fixture
def address(organization: Organization) -> str:
    return reverse("instances:organization_drift", args=[organization.pk])


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say how long a step took; `pytest -s` shows it."""
    began = time.monotonic()
    yield
    sys.stdout.write(f"{what}: {time.monotonic() - began:.1f} s\n")


def memory(worker: Worker) -> int:
    """Return the bytes that the worker's processes have for themselves."""
    first = psutil.Process(worker.pid)
    return sum(each.memory_full_info().uss for each in [first, *first.children(recursive=True)])


def compare(admin: Client, address: str, organization: Organization) -> None:
    """Ask for a comparison, and wait until the whole list was seen."""
    ended = Synchronization.objects.filter(organization=organization, ended_at__isnull=False)
    whole = ended.values_list("completed_at", flat=True)
    # In Python: SQLite compares moments as texts, written with and without microseconds.
    before = whole.first()
    admin.post(reverse("instances:organization_search", args=[organization.pk]))
    wait_for(lambda: whole.first() not in (None, before), LONGEST)


def adopt_all(admin: Client, address: str, owner: User, worker: Worker) -> None:
    form = {"choice": "adopt", "is_all": "on", "owner": str(owner.pk)}
    page = admin.post(f"{address}?show=only_there", form, follow=True).content.decode()
    assert f"Adoption has started for {FOREIGN} instances" in page
    begun = Instance.objects.filter(status="active")
    wait_for(lambda: begun.count() >= FOREIGN / 10, LONGEST)
    before = memory(worker)
    intake = Intake.objects.get()
    running = Intake.objects.filter(ended_at=None)
    wait_for(
        lambda: not running.exists() and not adoptions_under_way(intake.organization).exists(),
        LONGEST,
    )
    growth = memory(worker) - before
    sys.stdout.write(f"memory: {before / 2**20:.0f} MB, then {growth / 2**20:+.0f} MB\n")
    assert growth < MOST_GROWTH


def drift(account: Account, numbers: range) -> dict[str, list[int]]:
    """Change some on the platform, in five ways, as somebody in the vendor's console would."""
    names = ("renamed", "tagged", "disabled", "enabled", "deleted")
    ways = {way: list(numbers[n * EACH : (n + 1) * EACH]) for n, way in enumerate(names)}
    changes: dict[str, dict[str, object]] = {
        "renamed": {"name": "Renamed by somebody"},
        "tagged": {"tags": ["another", "tag"]},
        "disabled": {"disabled": True},
        "enabled": {"disabled": False},
    }
    for way, change in changes.items():
        for number in ways[way]:
            account.change_instance(number, **change)
    for number in ways["deleted"]:
        account.remove_instance(number)
    return ways


def decide(admin: Client, address: str) -> None:
    """Go through the pages of what changed: their tags are accepted, everything else is pushed."""
    while lines := admin.get(f"{address}?show=changed").context["page"].rows:
        for choice, chosen in (
            ("accept", [line for line in lines if line.differences == ["tags"]]),
            ("push", [line for line in lines if line.differences != ["tags"]]),
        ):
            if chosen:
                form = {"choice": choice, "rows": [str(line.pk) for line in chosen]}
                assert admin.post(f"{address}?show=changed", form).status_code == 302


def create_again(admin: Client, account: Account, organization: Organization) -> None:
    for gone in Instance.objects.filter(missing_since__isnull=False):
        form = admin.get(f"{reverse('instances:new')}?from={gone.pk}").content.decode()
        assert f'value="{gone.name}"' in form
        wish = {
            "organization": str(organization.pk),
            "name": gone.name,
            "is_sandbox": "on",
            "authentication_type": "basic",
            "username": account.sandbox.username,
            "password": account.sandbox.password,
            "tags": "",
            "client_request_id": str(uuid.uuid4()),
        }
        assert admin.post(reverse("instances:new"), wish).status_code == 302


def test_foreign_instances_are_adopted_drift_and_are_brought_back(
    admin: Client,
    address: str,
    organization: Organization,
    account: Account,
    worker: Worker,
    member: Callable[..., User],
) -> None:
    numbers = account.add_crowd(FOREIGN)
    for number in numbers[3 * EACH : 4 * EACH]:
        account.change_instance(number, disabled=True)
    owner = member(Role.OPERATOR, "olga")
    with step(f"{FOREIGN} compared"):
        compare(admin, address, organization)
    with step("all adopted"):
        adopt_all(admin, address, owner, worker)
    adopted = Instance.objects.filter(status="active", owner=owner).exclude(token="")
    assert adopted.count() == FOREIGN
    assert {entry.method for entry in account.ledger()} == {"GET"}
    names = {one["id"]: one["name"] for one in account.instances()}

    ways = drift(account, numbers)
    with step("compared after the drift"):
        compare(admin, address, organization)
    changed = ListedInstance.objects.filter(standing=Standing.CHANGED)
    assert set(changed.values_list("remote_id", flat=True)) == {
        number for way, each in ways.items() if way != "deleted" for number in each
    }
    gone = Instance.objects.filter(missing_since__isnull=False)
    assert set(gone.values_list("remote_id", flat=True)) == set(ways["deleted"])

    with step(f"{5 * EACH} brought back"):
        decide(admin, address)
        create_again(admin, account, organization)
        wait_for(lambda: not Operation.objects.exclude(state="succeeded").exists(), LONGEST)
    with step("compared at the end"):
        compare(admin, address, organization)
    assert not ListedInstance.objects.exclude(standing=Standing.MATCHES).exists()
    there = {one["id"]: one for one in account.instances()}
    assert len(there) == FOREIGN
    kept = set(numbers) - set(ways["deleted"])
    assert {number: there[number]["name"] for number in kept} == {n: names[n] for n in kept}
    assert {n for n in kept if there[n]["disabled"]} == set(ways["enabled"])
    for number in ways["tagged"]:
        here = Instance.objects.get(remote_id=number)
        assert set(here.tag_names) == set(there[number]["tags"]) == {"another", "tag"}
    again = sorted(one["name"] for number, one in there.items() if number not in kept)
    assert again == sorted(names[number] for number in ways["deleted"])
    ready = Instance.objects.filter(status="active", missing_since=None)
    assert set(ready.values_list("remote_id", flat=True)) == set(there)
