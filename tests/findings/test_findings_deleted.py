"""An instance that nothing here knows is deleted, and that is known."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances.models import (
    AttemptOutcome,
    Finding,
    Operation,
    OperationState,
    Organization,
    Verdict,
)
from instances.operations import (
    Choice,
    FindingChoice,
    decide,
)
from sandbox.running import Account
from tests.cases import work
from tests.findings.steps import Decide, deletions, read

pytestmark = pytest.mark.django_db(transaction=True)


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
