"""The platform's list is compared with what is known here; nothing is changed or concluded wrongly."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from instances.engine import drain, searching
from instances.engine.claims import lease
from instances.models import (
    AuditEntry,
    Instance,
    ListedInstance,
    Operation,
    Organization,
    Standing,
    Synchronization,
)
from sandbox.running import Account

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def synchronize() -> Synchronization:
    """Compare now, as the sweep does when it is due."""
    Organization.objects.update(audit_due_at=Now())
    searching.run()
    return Synchronization.objects.get()


@pytest.fixture
def made(ask: Ask) -> Instance:
    """An instance that is ready, and on the platform."""
    instance = ask()
    for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
        drain.work_on(operation)
    instance.refresh_from_db()
    assert instance.is_active
    return instance


def line(instance: Instance) -> ListedInstance:
    return ListedInstance.objects.get(remote_id=instance.remote_id or 0)


def test_what_is_as_here_matches(made: Instance) -> None:
    done = synchronize()
    assert (line(made).standing, line(made).instance) == (Standing.MATCHES, made)
    assert (done.pages, done.listed, done.problem, done.is_running) == (1, 1, "", False)
    assert done.completed_at == done.ended_at


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        ({"name": "Renamed there"}, ["name"]),
        ({"tags": ["only", "theirs"]}, ["tags"]),
        ({"disabled": True}, ["disabled"]),
        ({"name": "Renamed", "disabled": True}, ["name", "disabled"]),
    ],
)
def test_what_was_changed_there_is_named(
    made: Instance, account: Account, change: dict[str, object], differing: list[str]
) -> None:
    account.change_instance(made.remote_id or 0, **change)
    synchronize()
    assert (line(made).standing, line(made).differences) == (Standing.CHANGED, differing)
    before = Instance.objects.values_list("name", "is_disabled").get()
    assert before == ("Billing sandbox", False)


def test_what_was_changed_back_matches_again(made: Instance, account: Account) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    account.change_instance(made.remote_id or 0, name=made.name)
    synchronize()
    assert (line(made).standing, line(made).differences) == (Standing.MATCHES, [])


def test_a_line_that_changed_is_the_same_line(made: Instance, account: Account) -> None:
    synchronize()
    before = line(made)
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    after = line(made)
    assert (after.pk, after.first_seen_at) == (before.pk, before.first_seen_at)
    assert after.last_seen_at > before.last_seen_at


def test_what_changed_here_since_differs_too(made: Instance, account: Account) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    made.replace_tags(["only", "ours"])
    synchronize()
    assert line(made).differences == ["name", "tags"]


def test_a_foreign_instance_is_only_there(organization: Organization, account: Account) -> None:
    number = account.add_instance(element="zuorav2", name="Foreign", tags=["x"])["id"]
    synchronize()
    row = ListedInstance.objects.get()
    assert (row.remote_id, row.standing, row.name, row.tags) == (
        number,
        Standing.ONLY_THERE,
        "Foreign",
        ["x"],
    )


def test_what_a_request_of_ours_makes_is_left_to_its_request(ask: Ask, account: Account) -> None:
    tag = ask().operations.get().tag
    account.add_instance(element="zuorav2", name="On its way", tags=[tag])
    synchronize()
    assert ListedInstance.objects.get().standing == Standing.TAGGED


def test_what_is_being_changed_here_does_not_differ(made: Instance, account: Account) -> None:
    account.change_instance(made.remote_id or 0, disabled=True)
    Instance.objects.update(status="deleting")
    synchronize()
    assert line(made).standing == Standing.MATCHES


def test_what_the_whole_list_does_not_show_is_missing_until_it_is_back(
    made: Instance, account: Account
) -> None:
    account.remove_instance(made.remote_id or 0)
    synchronize()
    made.refresh_from_db()
    assert made.missing_since
    assert AuditEntry.objects.filter(action="instance.missing").count() == 1
    since = made.missing_since
    synchronize()
    made.refresh_from_db()
    assert made.missing_since == since
    assert AuditEntry.objects.filter(action="instance.missing").count() == 1


def test_what_is_listed_again_is_back(made: Instance) -> None:
    Instance.objects.update(missing_since=Now() - timedelta(days=1))
    synchronize()
    made.refresh_from_db()
    assert made.missing_since is None
    assert AuditEntry.objects.filter(action="instance.back").count() == 1


def test_what_became_ready_during_the_walk_is_not_missing(made: Instance, account: Account) -> None:
    account.remove_instance(made.remote_id or 0)
    Instance.objects.update(settled_at=Now() + timedelta(hours=1))
    synchronize()
    made.refresh_from_db()
    assert made.missing_since is None


def test_a_list_that_breaks_off_proves_nothing(made: Instance, account: Account) -> None:
    account.remove_instance(made.remote_id or 0)
    account.add_crowd(250)
    account.fault("list pages fail", times=None)
    done = synchronize()
    made.refresh_from_db()
    assert made.missing_since is None
    assert done.ended_at
    assert done.problem
    assert done.completed_at is None


def test_another_account_proves_nothing(made: Instance, account: Account) -> None:
    account.remove_instance(made.remote_id or 0)
    Organization.objects.update(account="https://elsewhere/organizations/7")
    Organization.objects.update(audit_due_at=Now())
    searching.run()
    made.refresh_from_db()
    assert made.missing_since is None


def test_what_vanished_is_not_shown_as_only_there_any_more(
    organization: Organization, account: Account
) -> None:
    number = account.add_instance(element="zuorav2", name="Foreign")["id"]
    synchronize()
    account.remove_instance(number)
    synchronize()
    assert not ListedInstance.objects.exists()


def test_what_is_ignored_comes_back_when_it_changes(made: Instance, account: Account) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    row = line(made)
    ListedInstance.objects.update(ignored_digest=row.digest, standing=Standing.IGNORED)
    synchronize()
    assert line(made).standing == Standing.IGNORED
    account.change_instance(made.remote_id or 0, name="Renamed again")
    synchronize()
    assert line(made).standing == Standing.CHANGED


def test_lines_cost_the_same_number_of_queries_however_many(
    organization: Organization,
    account: Account,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    account.add_crowd(200)
    with django_assert_max_num_queries(60):
        done = synchronize()
    assert (done.listed, done.pages) == (200, 1)


def test_progress_knows_what_is_left_from_the_last_whole_list(
    organization: Organization, account: Account
) -> None:
    account.add_crowd(300)
    done = synchronize()
    assert (done.expected, done.pages, done.left) == (300, 2, None)
    Synchronization.objects.update(
        ended_at=None, listed=100, began_at=Now() - timedelta(seconds=10)
    )
    left = Synchronization.objects.get().left
    assert left is not None
    assert 19 < left.total_seconds() < 25
