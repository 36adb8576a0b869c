"""Instances with our tag that no row knows are found, and never deleted by themselves."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from pytest_django import Settings

from instances import tags
from instances.engine import strays
from instances.models import (
    AuditEntry,
    Evidence,
    Finding,
    FindingKind,
    Instance,
    Operation,
    OperationState,
    Organization,
    Verdict,
)
from instances.vault import keyring
from sandbox.running import Account
from tests.states import put_in_state
from tests.strays.steps import (
    Ask,
    foreign_tag,
    plant,
    posts,
    put_in_state_without_attempt,
    search_all,
    see,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
