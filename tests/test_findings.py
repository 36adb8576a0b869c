"""What was found on the platform waits for a person, and is deleted only by its typed id."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances import access
from instances.models import (
    AttemptOutcome,
    AuditEntry,
    Finding,
    FindingKind,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
    Organization,
    Role,
    Verdict,
)
from instances.operations import (
    Choice,
    ChoiceError,
    FindingChoice,
    NotWaitingError,
    decide,
    decide_finding,
    finding_choices,
)
from sandbox.running import Account
from tests.cases import several, work

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
Decide = Callable[..., Instance | None]


@pytest.fixture
def admin(member: Callable[..., User]) -> User:
    return member(Role.ADMIN, "ada")


@pytest.fixture
def orphan(organization: Organization, account: Account, ask: Ask) -> Finding:
    """An instance with our tag of which no request is known."""
    ask(name="another, so that the account is known")
    work()
    made = account.add_instance(element="zuorav2", name="Lost one", tags=["ced-orphan"])
    organization.refresh_from_db()
    return Finding.objects.create(
        organization=organization,
        kind=FindingKind.ORPHAN,
        account=organization.account,
        remote_id=made["id"],
        name="Lost one",
        element_key="zuorav2",
        tag="ced-orphan",
        last_seen_at=Now(),
    )


@pytest.fixture
def say(admin: User) -> Decide:
    def say(finding: Finding, choice: FindingChoice, typed_id: object = "") -> Instance | None:
        return decide_finding(
            actor=admin,
            finding=finding,
            choice=choice,
            reason="Checked with the team.",
            typed_id=str(typed_id),
        )

    return say


def read(finding: Finding) -> Finding:
    finding.refresh_from_db()
    return finding


def deletions(account: Account) -> list[str]:
    return [entry.path for entry in account.ledger() if entry.method == "DELETE"]


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


def test_a_deletion_whose_answer_was_lost_is_looked_at_before_it_is_repeated(
    orphan: Finding, say: Decide, account: Account
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=502)
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    operation = Operation.objects.latest("pk")
    assert (operation.state, read(orphan).verdict) == (OperationState.UNKNOWN, Verdict.DELETING)
    work()
    outcomes = list(operation.attempts.order_by("number").values_list("outcome", flat=True))
    assert outcomes == [AttemptOutcome.PROVEN_ABSENT, AttemptOutcome.SUCCEEDED]
    assert read(orphan).verdict == Verdict.DELETED


def test_a_deletion_that_was_carried_out_is_not_repeated(
    orphan: Finding, say: Decide, account: Account
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=502)
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    account.remove_instance(orphan.remote_id)
    work()
    assert read(orphan).verdict == Verdict.DELETED
    assert len(deletions(account)) == 1


def test_a_404_from_another_account_proves_nothing(
    orphan: Finding, say: Decide, account: Account
) -> None:
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    Finding.objects.update(account="another")
    work()
    assert Operation.objects.latest("pk").problem == "other-account"
    assert read(orphan).verdict == Verdict.DELETING
    assert deletions(account) == []


def test_an_instance_in_use_stays_and_says_why(
    orphan: Finding, say: Decide, account: Account
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=409, message="In use by 3.")
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    operation = Operation.objects.latest("pk")
    assert operation.state == OperationState.REJECTED
    assert "In use by 3." in operation.message
    assert read(orphan).verdict == Verdict.OPEN


def test_refused_secrets_make_a_deletion_wait(
    orphan: Finding, say: Decide, account: Account, organization: Organization
) -> None:
    account.fault("refuse secrets", times=None)
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    organization.refresh_from_db()
    assert organization.is_refused
    assert Operation.objects.latest("pk").state == OperationState.BLOCKED


def test_a_right_that_was_lost_stops_the_deletion(
    orphan: Finding, say: Decide, account: Account, admin: User
) -> None:
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    admin.memberships.all().delete()
    work()
    assert deletions(account) == []
    assert read(orphan).verdict == Verdict.OPEN


def test_a_worker_that_died_while_deleting_leaves_nothing_in_doubt(
    orphan: Finding, say: Decide, account: Account
) -> None:
    account.fault("commit then drop", method="DELETE", path="/instances")
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    Operation.objects.filter(kind="delete").update(state=OperationState.SENDING)
    operation = Operation.objects.latest("pk")
    operation.attempts.update(outcome=AttemptOutcome.IN_FLIGHT)
    work()
    work()
    assert read(orphan).verdict == Verdict.DELETED


def test_a_right_that_was_lost_does_not_hide_what_was_already_sent(
    orphan: Finding, say: Decide, account: Account, admin: User
) -> None:
    account.fault("commit then drop", method="DELETE", path="/instances")
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    admin.memberships.all().delete()
    work()
    assert read(orphan).verdict == Verdict.DELETED


def test_a_right_that_was_lost_stops_the_repeat(
    orphan: Finding, say: Decide, account: Account, admin: User
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=502)
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    admin.memberships.all().delete()
    work()
    assert len(deletions(account)) == 1
    assert read(orphan).verdict == Verdict.OPEN
    assert Operation.objects.latest("pk").problem == "permission"


def test_secrets_refused_while_a_deletion_is_unknown_stop_the_calls(
    orphan: Finding, say: Decide, account: Account, organization: Organization
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=502)
    say(orphan, FindingChoice.DELETE, orphan.remote_id)
    work()
    account.fault("refuse secrets", times=None)
    work()
    organization.refresh_from_db()
    assert organization.is_refused
    operation = Operation.objects.latest("pk")
    assert (operation.state, operation.lease_until) == (OperationState.UNKNOWN, None)
    assert operation.attempts.get().error_class == "status-502"


@pytest.mark.parametrize("choice", [FindingChoice.ADOPT, FindingChoice.DELETE])
def test_what_a_person_gives_up_waits_to_be_decided_about_again(
    orphan: Finding, say: Decide, admin: User, choice: FindingChoice
) -> None:
    say(orphan, choice, orphan.remote_id)
    Finding.objects.update(account="another")
    work()
    operation = Operation.objects.latest("pk")
    assert operation.problem == "other-account"
    decide(actor=admin, operation=operation, choice=Choice.MARK, reason="It is another's.")
    assert read(orphan).verdict == Verdict.OPEN


def test_an_instance_that_may_not_be_read_stops_only_its_own_adoption(
    orphan: Finding, say: Decide, account: Account, organization: Organization
) -> None:
    path = f"/instances/{orphan.remote_id}"
    account.fault("status", method="GET", path=path, status=403, times=None)
    say(orphan, FindingChoice.ADOPT)
    work()
    organization.refresh_from_db()
    assert not organization.is_refused
    Operation.objects.filter(kind="adopt").update(created_at=Now() - timedelta(days=2))
    work()
    operation = Operation.objects.latest("pk")
    assert (operation.state, operation.problem) == (OperationState.NEEDS_PERSON, "unread")
