"""A person decides what becomes of an instance that nothing here knows."""

import pytest
from django.contrib.auth.models import User

from instances import access
from instances.models import (
    AuditEntry,
    Finding,
    InstanceStatus,
    Verdict,
)
from instances.operations import (
    ChoiceError,
    FindingChoice,
    NotWaitingError,
    decide_finding,
    finding_choices,
)
from sandbox.running import Account
from tests.cases import several, work
from tests.findings.steps import Ask, Decide, deletions, read

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_orphan_becomes_an_instance(orphan: Finding, say: Decide, account: Account) -> None:
    instance = say(orphan, FindingChoice.ADOPT)
    assert instance
    work()
    instance.refresh_from_db()
    assert (instance.status, instance.remote_id) == (InstanceStatus.ACTIVE, orphan.remote_id)
    assert (instance.owner.username, instance.name) == ("ada", "Lost one")
    assert instance.environment
    assert read(orphan).verdict == Verdict.ADOPTED
    assert len([e for e in account.ledger() if e.method == "POST"]) == 1


def test_an_orphan_that_is_gone_is_not_adopted(
    orphan: Finding, say: Decide, account: Account
) -> None:
    instance = say(orphan, FindingChoice.ADOPT)
    assert instance
    account.remove_instance(orphan.remote_id)
    work()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.CANCELED
    assert read(orphan).verdict == Verdict.GONE


@pytest.mark.parametrize(
    ("choice", "verdict"),
    [(FindingChoice.IGNORE, Verdict.IGNORED), (FindingChoice.DELETE, Verdict.DELETING)],
)
def test_a_decision_is_written_down_with_its_reason(
    orphan: Finding, say: Decide, choice: FindingChoice, verdict: Verdict
) -> None:
    say(orphan, choice, orphan.remote_id)
    assert (read(orphan).verdict, orphan.reason) == (verdict, "Checked with the team.")
    assert AuditEntry.objects.get(action=f"finding.{choice}").actor_name == "ada"


def test_it_is_deleted_by_its_typed_id(orphan: Finding, say: Decide, account: Account) -> None:
    say(orphan, FindingChoice.DELETE, f" {orphan.remote_id} ")
    work()
    assert read(orphan).verdict == Verdict.DELETED
    assert deletions(account) == [f"/instances/{orphan.remote_id}"]


@pytest.mark.parametrize("typed", ["", "1", "Lost one"])
def test_another_id_deletes_nothing(
    orphan: Finding, say: Decide, account: Account, typed: str
) -> None:
    with pytest.raises(ChoiceError):
        say(orphan, FindingChoice.DELETE, typed)
    work()
    assert read(orphan).verdict == Verdict.OPEN
    assert deletions(account) == []


def test_the_second_of_two_people_is_told(orphan: Finding, say: Decide) -> None:
    say(orphan, FindingChoice.IGNORE)
    with pytest.raises(NotWaitingError):
        say(orphan, FindingChoice.ADOPT)


def test_an_operator_may_not_decide_about_an_orphan(orphan: Finding, operator: User) -> None:
    with pytest.raises(access.NotAllowedError):
        decide_finding(actor=operator, finding=orphan, choice=FindingChoice.IGNORE, reason="x")


def test_a_candidate_is_decided_where_its_request_is(ask: Ask, account: Account) -> None:
    operation = several(ask, account)
    assert [finding_choices(found) for found in operation.findings.all()] == [(), ()]
