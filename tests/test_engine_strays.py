"""What carries our tag and is nobody's here becomes a finding, once, and nothing is deleted."""

import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from instances import operations, tags, vault
from instances.access import NotAllowedError
from instances.cloud_elements import FoundInstance
from instances.engine import accounts, drain, searching, strays
from instances.engine.claims import lease
from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    BreakerState,
    Evidence,
    EvidenceKind,
    Finding,
    FindingKind,
    Instance,
    Operation,
    OperationState,
    Organization,
    Role,
    Verdict,
)
from instances.vault import keyring
from sandbox.running import Account
from tests.conftest import TOKEN, put_in_state

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
DAY = timedelta(days=1)


def work() -> None:
    for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
        drain.work_on(operation)


def search_all() -> None:
    """Search every account now, as the sweep does when it is due."""
    Organization.objects.update(audit_due_at=Now())
    searching.run()


def foreign_tag() -> str:
    """Return a tag that this installation gave for a request which is not known here."""
    return tags.tag_for(Operation(pk=uuid.uuid4()))


def plant(account: Account, tag: str, name: str = "stray") -> int:
    return int(account.add_instance(element="zuorav2", name=name, tags=["x", tag])["id"])


def posts(account: Account) -> int:
    return len([entry for entry in account.ledger() if entry.method != "GET"])


@pytest.fixture
def settled(ask: Ask, account: Account) -> Operation:
    """An operation that is done, with its instance on the platform."""
    instance = ask()
    work()
    return instance.operations.get()


def test_a_tag_of_no_known_operation_is_an_orphan(
    organization: Organization, account: Account
) -> None:
    tag = foreign_tag()
    number = plant(account, tag)
    search_all()
    finding = Finding.objects.get()
    organization.refresh_from_db()
    assert (finding.kind, finding.remote_id, finding.tag) == (FindingKind.ORPHAN, number, tag)
    assert (finding.account, finding.operation) == (organization.account, None)
    assert (finding.name, finding.element_key, finding.is_open) == ("stray", "zuorav2", True)
    assert AuditEntry.objects.filter(action="finding.noticed").count() == 1
    assert posts(account) == 0


def test_a_second_instance_of_a_settled_operation_is_late(
    settled: Operation, account: Account
) -> None:
    number = plant(account, settled.tag)
    search_all()
    finding = Finding.objects.get()
    assert (finding.kind, finding.remote_id) == (FindingKind.LATE, number)
    assert finding.operation == settled
    assert len(account.instances()) == 2


@pytest.mark.parametrize(
    "state", [OperationState.REJECTED, OperationState.CANCELED, OperationState.NEEDS_PERSON]
)
def test_an_instance_that_nothing_looks_for_any_more_is_late(
    ask: Ask, account: Account, state: OperationState
) -> None:
    instance = ask()
    put_in_state(instance, state)
    plant(account, instance.operations.get().tag)
    search_all()
    assert Finding.objects.get().kind == FindingKind.LATE


@pytest.mark.parametrize(
    "state",
    [
        OperationState.QUEUED,
        OperationState.SENDING,
        OperationState.UNKNOWN,
        OperationState.CREATED,
    ],
)
def test_what_an_operation_still_looks_for_is_no_stray(
    ask: Ask, account: Account, state: OperationState
) -> None:
    instance = ask()
    put_in_state(instance, state)
    plant(account, instance.operations.get().tag)
    search_all()
    assert not Finding.objects.exists()


def see(operation: Operation, remote_id: int) -> Evidence:
    """Write down that the platform answered with `remote_id`, after all."""
    attempt = Attempt.objects.create(
        operation=operation,
        number=operation.attempts.count() + 1,
        epoch=1,
        origin=operation.organization.origin,
        secrets_version=1,
        deadline_at=timezone.now(),
        outcome=AttemptOutcome.PROVEN_ABSENT,
    )
    seen = Evidence(attempt=attempt, kind=EvidenceKind.ANSWER, remote_id=remote_id)
    seen.token = vault.seal(seen, "token", TOKEN)
    seen.save(force_insert=True)
    return seen


def test_evidence_of_another_instance_makes_it_late_before_the_end(
    ask: Ask, account: Account
) -> None:
    operation = ask().operations.get()
    see(operation, 1)
    number = plant(account, operation.tag)
    search_all()
    assert Finding.objects.get(kind=FindingKind.LATE).remote_id == number


def test_what_evidence_names_is_no_stray_before_the_end(ask: Ask, account: Account) -> None:
    operation = ask().operations.get()
    see(operation, plant(account, operation.tag))
    search_all()
    assert not Finding.objects.exists()


def test_a_very_late_answer_is_a_finding_without_any_call(
    settled: Operation, account: Account
) -> None:
    see(settled, 987654)
    calls = len(account.ledger())
    strays.take_in_evidence(settled.organization)
    strays.take_in_evidence(settled.organization)
    finding = Finding.objects.get()
    assert (finding.kind, finding.remote_id, finding.operation) == (
        FindingKind.LATE,
        987654,
        settled,
    )
    assert len(account.ledger()) == calls
    assert AuditEntry.objects.filter(action="finding.noticed").count() == 1


def test_evidence_of_what_is_stored_is_not_asked_about_row_by_row(
    settled: Operation, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    settled.organization.refresh_from_db()
    assert Evidence.objects.count() == 1
    with django_assert_num_queries(1):
        strays.take_in_evidence(settled.organization)


def test_a_late_answer_to_a_canceled_request_is_a_finding(ask: Ask, account: Account) -> None:
    instance = ask()
    see(instance.operations.get(), plant(account, instance.operations.get().tag))
    put_in_state_without_attempt(instance, OperationState.CANCELED)
    search_all()
    assert Finding.objects.get().kind == FindingKind.LATE


def put_in_state_without_attempt(instance: Instance, state: OperationState) -> None:
    instance.operations.update(state=state, finished_at=Now())


def test_a_late_answer_whose_instance_was_adopted_is_no_finding(
    settled: Operation, organization: Organization
) -> None:
    see(settled, 4711)
    Instance.objects.create(
        organization=organization,
        owner=settled.requester,
        name="adopted",
        element_key="zuorav2",
        account="https://x/organizations/1",
        remote_id=4711,
    )
    strays.take_in_evidence(organization)
    assert not Finding.objects.exists()


def test_nothing_is_noticed_twice_and_a_verdict_stays(
    organization: Organization, account: Account
) -> None:
    plant(account, foreign_tag())
    search_all()
    Finding.objects.update(verdict=Verdict.IGNORED)
    before = Finding.objects.get().last_seen_at
    search_all()
    finding = Finding.objects.get()
    assert finding.verdict == Verdict.IGNORED
    assert finding.last_seen_at > before
    assert AuditEntry.objects.filter(action="finding.noticed").count() == 1


def test_known_instances_are_no_strays(settled: Operation, organization: Organization) -> None:
    search_all()
    assert not Finding.objects.exists()
    organization.refresh_from_db()
    assert organization.audited_at is not None


def test_an_adopted_instance_with_a_strange_tag_is_no_stray(
    settled: Operation, account: Account
) -> None:
    account.change_instance(account.only_instance()["id"], tags=[foreign_tag()])
    search_all()
    assert not Finding.objects.exists()


@pytest.mark.parametrize("change", ["check", "installation", "form"])
def test_a_tag_that_we_did_not_give_is_not_ours(
    organization: Organization, account: Account, change: str
) -> None:
    tag = foreign_tag()
    last = "b" if tag[-1] == "a" else "a"
    forged = {
        "check": tag[:-1] + last,
        "installation": "ced-zzzzzzzz" + tag[12:],
        "form": tag + "x",
    }[change]
    plant(account, forged)
    search_all()
    assert not Finding.objects.exists()


def test_a_tag_by_an_older_key_of_the_ring_is_ours(
    organization: Organization, account: Account, settings: Settings
) -> None:
    tag = foreign_tag()
    keys = '{"primary": "t2", "keys": {"t2": "%s", "t1": "%s"}}'
    ring = keys % (("YWFh" * 11)[:43] + "=", "dHR0" * 10 + "dHQ=")
    settings.VAULT = {"KEYRING": ring, "KEYRING_FILE": ""}
    keyring.ring.cache_clear()
    assert foreign_tag()[-8:] != tag[-8:]
    assert tags.is_genuine(tag)


def test_what_is_not_listed_any_more_has_gone_and_may_come_back(
    organization: Organization, account: Account
) -> None:
    tag = foreign_tag()
    plant(account, foreign_tag(), name="stays")
    number = plant(account, tag, name="goes")
    search_all()
    account.remove_instance(number)
    search_all()
    assert Finding.objects.get(name="goes").verdict == Verdict.GONE
    assert Finding.objects.get(name="stays").verdict == Verdict.OPEN
    Finding.objects.filter(name="stays").update(verdict=Verdict.GONE)
    search_all()
    assert Finding.objects.get(name="stays").verdict == Verdict.OPEN


def test_a_finding_without_our_tag_is_seen_again_too(
    organization: Organization, account: Account
) -> None:
    number = plant(account, foreign_tag(), name="lost its tags")
    search_all()
    account.change_instance(number, tags=[])
    Finding.objects.update(kind=FindingKind.POSSIBLE)
    search_all()
    assert Finding.objects.get().verdict == Verdict.OPEN


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("list 404 html", {}),
        ("list pages fail", {}),
        ("status", {"path": "/organizations/me", "method": "GET", "skip": 1}),
        ("refuse secrets", {"path": "/organizations/me", "skip": 1}),
    ],
)
def test_a_list_that_is_not_whole_proves_no_absence(
    organization: Organization, account: Account, fault: str, options: dict[str, Any]
) -> None:
    account.set(page_size=1, page_size_maximum=1)
    first, second = plant(account, foreign_tag()), plant(account, foreign_tag())
    account.add_instance(element="zuorav2", name="somebody else's", tags=[])
    search_all()
    account.remove_instance(first)
    account.fault(fault, times=None, **options)
    search_all()
    assert Finding.objects.open().count() == 2
    account.clear_faults()
    Organization.objects.update(secrets_refused_at=None)
    search_all()
    assert Finding.objects.open().get().remote_id == second


def test_another_account_at_the_end_proves_nothing(
    organization: Organization, account: Account
) -> None:
    plant(account, foreign_tag())
    search_all()
    Finding.objects.update(last_seen_at=Now() - DAY, account="another")
    Organization.objects.update(account="another")
    search_all()
    assert Finding.objects.get().verdict == Verdict.OPEN


def test_strays_behind_the_first_page_are_found(
    organization: Organization, account: Account
) -> None:
    account.set(page_size=2, page_size_maximum=2)
    for _ in range(7):
        plant(account, foreign_tag())
    search_all()
    assert Finding.objects.count() == 7


class EndlessAccount:
    """A platform client of which only the pages matter; each is made when it is asked for."""

    pages = 0

    def identify(self) -> str:
        return "9"

    def pages_of_instances(self) -> Iterator[list[FoundInstance]]:
        while self.pages < 500:
            self.pages += 1
            yield [
                FoundInstance(
                    remote_id=self.pages * 200 + line,
                    token=None,
                    name="n" * 200,
                    element_key="zuorav2",
                    tags=("a" * 50,),
                    remote_created_at=None,
                )
                for line in range(200)
            ]


@pytest.mark.once
def test_a_hundred_thousand_instances_do_not_fill_the_memory(organization: Organization) -> None:
    client: Any = EndlessAccount()
    tracemalloc.start()
    strays.search(organization, client, since=timezone.now(), before_call=lambda: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert client.pages == 500
    assert peak < 5 * 2**20


def due(organization: Organization) -> datetime:
    organization.refresh_from_db()
    return organization.audit_due_at


def is_about(moment: datetime, pause: timedelta) -> bool:
    return abs(moment - timezone.now() - pause) < timedelta(seconds=30)


def test_a_search_comes_due_again_after_a_day(organization: Organization) -> None:
    search_all()
    assert is_about(due(organization), DAY)


@pytest.mark.parametrize(
    ("hours_since_doubt", "hours_left"), [(0, 1), (1.01, 4.99), (7, 17), (25, 24), (7 * 24 - 5, 5)]
)
def test_after_a_doubt_it_comes_due_earlier(
    organization: Organization, hours_since_doubt: float, hours_left: float
) -> None:
    doubted = timezone.now() - timedelta(hours=hours_since_doubt)
    Organization.objects.update(doubted_at=doubted)
    search_all()
    assert is_about(due(organization), timedelta(hours=hours_left))


def test_an_unknown_outcome_is_a_doubt(
    ask: Ask, account: Account, organization: Organization
) -> None:
    account.fault("drop before commit")
    ask()
    work()
    assert is_about(due(organization), timedelta(hours=1))
    assert organization.doubted_at is not None


def test_a_lost_worker_is_a_doubt(ask: Ask, organization: Organization) -> None:
    put_in_state(ask(), OperationState.SENDING)
    work()
    assert is_about(due(organization), timedelta(hours=1))
    assert organization.doubted_at is not None


def test_a_doubt_does_not_put_off_a_search(organization: Organization) -> None:
    Organization.objects.update(audit_due_at=Now() + timedelta(minutes=5))
    searching.doubt(organization)
    assert is_about(due(organization), timedelta(minutes=5))


def test_a_failed_search_is_repeated_after_growing_pauses(
    organization: Organization, account: Account, settings: Settings
) -> None:
    settings.ENGINE = {**settings.ENGINE, "BREAKER_FAILURES": 100}
    account.fault("list 404 html", times=None)
    pauses = []
    for _ in range(9):
        search_all()
        pauses.append(round((due(organization) - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert organization.audited_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"secrets_refused_at": timezone.now()},
        {"breaker": BreakerState.OPEN, "paused_until": timezone.now()},
        {"paused_until": timezone.now() + DAY},
    ],
)
def test_nothing_is_asked_for_an_organization_that_is_held_back(
    organization: Organization, account: Account, change: dict[str, object]
) -> None:
    Organization.objects.update(**change)
    search_all()
    assert account.ledger() == []


def test_refused_secrets_stop_the_search_and_everything_else(
    organization: Organization, account: Account
) -> None:
    account.fault("refuse secrets", times=None)
    search_all()
    organization.refresh_from_db()
    assert organization.is_refused
    assert len(account.ledger()) == 1


def test_two_workers_search_an_account_once(organization: Organization, account: Account) -> None:
    Organization.objects.update(audit_due_at=Now())
    first = searching._claim(organization)
    assert first is not None
    assert searching._claim(organization) is None
    searching.run()
    assert account.ledger() == []


def test_a_person_may_ask_for_a_search_while_one_is_under_way(
    organization: Organization, member: Callable[..., User]
) -> None:
    Organization.objects.update(audit_due_at=Now())
    search = searching._claim(organization)
    assert search is not None
    operations.request_audit(actor=member(Role.ADMIN), organization=organization)
    search.renew()
    search.finish()
    assert due(organization) <= timezone.now()
    assert AuditEntry.objects.filter(action="organization.audit_requested").count() == 1


def test_only_an_admin_may_ask_for_a_search(organization: Organization, operator: User) -> None:
    before = due(organization)
    with pytest.raises(NotAllowedError):
        operations.request_audit(actor=operator, organization=organization)
    assert due(organization) == before


def test_a_search_runs_beside_the_sweep(organization: Organization, account: Account) -> None:
    plant(account, foreign_tag())
    assert searching.start() is None
    Organization.objects.update(audit_due_at=Now())
    account.fault("latency", path="/organizations/me", method="GET", seconds=0.5)
    under_way = searching.start()
    assert under_way is not None
    assert not under_way.done()
    assert searching.start() is None
    under_way.result(timeout=10)
    assert Finding.objects.count() == 1


def test_a_stopped_worker_gives_the_search_back(
    organization: Organization, account: Account
) -> None:
    Organization.objects.update(audit_due_at=Now())
    search = searching._claim(organization)
    assert search is not None
    searching.stop()
    try:
        searching._carry_out(search)
        assert searching.start() is None
    finally:
        searching._stopping.clear()
    assert account.ledger() == []
    assert due(organization) <= timezone.now()


def test_an_organization_that_shares_the_account_leaves_it_to_the_other(
    settled: Operation, organization: Organization
) -> None:
    other = Organization(name="other", base_url=organization.base_url)
    found = FoundInstance(1, None, "n", "zuorav2", (settled.tag,), None)
    assert not strays._is_late(other, found, settled)
    assert strays._is_late(organization, found, settled)


def test_the_account_is_learned_before_anything_is_compared(
    settled: Operation, organization: Organization
) -> None:
    Organization.objects.update(account="")
    organization.refresh_from_db()
    client = accounts.client_for(organization)
    strays.search(organization, client, since=timezone.now() - DAY, before_call=lambda: None)
    assert organization.account.startswith(organization.origin)
    assert not Finding.objects.exists()
