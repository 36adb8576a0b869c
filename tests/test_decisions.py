"""What a person decides is carried out, recorded with its reason, and never makes a second one."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from instances import access
from instances.models import (
    AttemptOutcome,
    AuditEntry,
    Finding,
    FindingKind,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
    OperationState,
    Role,
    Verdict,
)
from instances.operations import (
    Choice,
    ChoiceError,
    NotWaitingError,
    candidates_for,
    choices_for,
    decide,
    finding_choices,
)
from sandbox.running import Account
from tests.cases import (
    absent_twice,
    cannot_look,
    name_only,
    posts,
    several,
    synchronize,
    the_operation,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]
Decide = Callable[..., None]


@pytest.fixture
def say(operator: User) -> Decide:
    def say(operation: Operation, choice: Choice, remote_id: int | None = None) -> None:
        decide(
            actor=operator,
            operation=operation,
            choice=choice,
            reason="I asked the provider.",
            remote_id=remote_id,
        )

    return say


def test_absent_twice_leaves_three_choices(ask: Ask, account: Account) -> None:
    operation = absent_twice(ask, account)
    assert choices_for(operation) == (Choice.LOOK, Choice.CREATE, Choice.MARK)
    assert posts(account) == 2


def test_looking_again_finds_what_came_late(ask: Ask, account: Account, say: Decide) -> None:
    operation = absent_twice(ask, account)
    account.add_instance(element="zuorav2", name="late", tags=[operation.tag])
    say(operation, Choice.LOOK)
    work()
    assert the_operation(operation.made).state == OperationState.SUCCEEDED
    assert posts(account) == 2


def test_looking_again_in_vain_asks_a_person_again(ask: Ask, account: Account, say: Decide) -> None:
    operation = absent_twice(ask, account)
    say(operation, Choice.LOOK)
    work(5)
    assert the_operation(operation.made).problem == "absent"
    assert posts(account) == 2


def test_creating_again_sends_one_more_request(ask: Ask, account: Account, say: Decide) -> None:
    operation = absent_twice(ask, account)
    say(operation, Choice.CREATE)
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert posts(account) == 3
    assert len(account.instances()) == 1


def test_marking_ends_it_without_an_instance_or_credentials(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = absent_twice(ask, account)
    say(operation, Choice.MARK)
    assert Instance.objects.get().status == InstanceStatus.REJECTED
    assert not OperationSecret.objects.exists()
    work()
    assert posts(account) == 2


def test_nothing_is_created_beside_what_a_search_found(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = absent_twice(ask, account)
    found = account.add_instance(element="zuorav2", name="late", tags=[operation.tag])
    synchronize()
    assert choices_for(operation) == (Choice.ADOPT, Choice.LOOK, Choice.MARK)
    with pytest.raises(ChoiceError):
        say(operation, Choice.CREATE)
    say(operation, Choice.ADOPT, found["id"])
    work()
    assert Instance.objects.get().remote_id == found["id"]
    assert operation.attempts.get(number=2).outcome == AttemptOutcome.SUCCEEDED
    assert posts(account) == 2


def test_what_was_found_late_and_became_the_instance_is_not_offered_for_deletion(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = absent_twice(ask, account)
    account.add_instance(element="zuorav2", name="late", tags=[operation.tag])
    synchronize()
    say(operation, Choice.LOOK)
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert Finding.objects.get().verdict == Verdict.ADOPTED
    Finding.objects.update(verdict=Verdict.OPEN)  # as if the worker had died before it said so
    assert finding_choices(Finding.objects.get()) == ()
    synchronize()
    assert Finding.objects.get().verdict == Verdict.ADOPTED


def test_looking_again_for_several_sees_which_are_still_there(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = several(ask, account)
    first, second = candidates_for(operation)
    account.remove_instance(first.remote_id)
    say(operation, Choice.LOOK)
    work()
    assert the_operation(operation.made).problem == "several"
    assert list(candidates_for(operation)) == [second]


@pytest.mark.parametrize("case", [several, name_only])
def test_when_no_candidate_is_left_it_can_still_be_looked_for_or_ended(
    ask: Ask, account: Account, case: Callable[..., Operation]
) -> None:
    operation = case(ask, account)
    for found in account.instances():
        account.remove_instance(found["id"])
    synchronize()
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)


@pytest.fixture
def gone(ask: Ask, account: Account, say: Decide) -> Operation:
    """A person adopted one by its name, and it was deleted before it could be read."""
    operation = name_only(ask, account)
    chosen = candidates_for(operation).get().remote_id
    say(operation, Choice.ADOPT, chosen)
    account.remove_instance(chosen)
    work()
    assert the_operation(operation.made).problem == "gone"
    return the_operation(operation.made)


def test_what_was_chosen_and_is_gone_is_created_again(
    gone: Operation, account: Account, say: Decide
) -> None:
    say(gone, Choice.CREATE)
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert len(account.instances()) == 1


def test_after_what_was_chosen_is_gone_the_request_is_looked_for(
    gone: Operation, account: Account, say: Decide
) -> None:
    say(gone, Choice.LOOK)
    assert the_operation(gone.made).state == OperationState.UNKNOWN
    work(4)
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert posts(account) == 2


def test_the_reason_is_recorded_with_the_decision(ask: Ask, account: Account, say: Decide) -> None:
    operation = absent_twice(ask, account)
    say(operation, Choice.MARK)
    entry = AuditEntry.objects.get(action="decision.mark")
    assert entry.actor_name == "olivia"
    assert entry.detail["reason"] == "I asked the provider."
    assert entry.detail["problem"] == "absent"


def test_no_decision_without_a_reason(ask: Ask, account: Account, operator: User) -> None:
    operation = absent_twice(ask, account)
    with pytest.raises(ChoiceError):
        decide(actor=operator, operation=operation, choice=Choice.MARK, reason=" ")
    assert the_operation(operation.made).state == OperationState.NEEDS_PERSON


def test_the_second_of_two_people_is_told(ask: Ask, account: Account, say: Decide) -> None:
    operation = absent_twice(ask, account)
    say(operation, Choice.MARK)
    with pytest.raises(NotWaitingError):
        say(operation, Choice.CREATE)


def test_a_decision_does_not_change_when_a_request_ended(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = cannot_look(ask, account)
    ended_at = operation.attempts.get().ended_at
    say(operation, Choice.MARK)
    attempt = operation.attempts.get()
    assert (attempt.outcome, attempt.ended_at) == (AttemptOutcome.DECLARED_ABSENT, ended_at)


def test_a_viewer_may_not_decide(ask: Ask, account: Account, member: Callable[..., User]) -> None:
    operation = absent_twice(ask, account)
    with pytest.raises(access.NotAllowedError):
        decide(actor=member(Role.VIEWER), operation=operation, choice=Choice.MARK, reason="x")


def test_one_of_several_is_adopted_and_the_other_stays_a_finding(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = several(ask, account)
    first, second = candidates_for(operation)
    say(operation, Choice.ADOPT, second.remote_id)
    work()
    instance = Instance.objects.get()
    assert (instance.status, instance.remote_id) == (InstanceStatus.ACTIVE, second.remote_id)
    assert Finding.objects.get(pk=second.pk).verdict == Verdict.ADOPTED
    assert Finding.objects.open().get() == first
    assert posts(account) == 1


def test_only_an_instance_of_the_list_can_be_adopted(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = several(ask, account)
    with pytest.raises(ChoiceError):
        say(operation, Choice.ADOPT, 999_999)


def test_creating_again_is_not_offered_while_the_outcome_is_unknown(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = several(ask, account)
    with pytest.raises(ChoiceError):
        say(operation, Choice.CREATE)
    assert posts(account) == 1


def test_a_match_by_name_becomes_ours_with_our_tag(ask: Ask, account: Account, say: Decide) -> None:
    operation = name_only(ask, account)
    assert candidates_for(operation).get().kind == FindingKind.POSSIBLE
    say(operation, Choice.ADOPT, candidates_for(operation).get().remote_id)
    work()
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert operation.tag in account.only_instance()["tags"]


def test_tags_that_others_gave_it_meanwhile_are_kept(
    ask: Ask, account: Account, say: Decide
) -> None:
    operation = name_only(ask, account)
    account.change_instance(account.only_instance()["id"], tags=["theirs"])
    say(operation, Choice.ADOPT, candidates_for(operation).get().remote_id)
    work()
    assert sorted(account.only_instance()["tags"]) == sorted(["theirs", operation.tag])


def test_what_is_not_ours_is_not_offered_again(ask: Ask, account: Account, say: Decide) -> None:
    operation = name_only(ask, account)
    say(operation, Choice.NOT_OURS, candidates_for(operation).get().remote_id)
    work(4)
    assert Instance.objects.get().status == InstanceStatus.ACTIVE
    assert len(account.instances()) == 2
    assert operation.attempts.filter(outcome=AttemptOutcome.PROVEN_ABSENT).count() == 1


def test_what_cannot_be_looked_at_can_only_be_looked_at_later_or_marked(
    ask: Ask, account: Account
) -> None:
    operation = cannot_look(ask, account)
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)


def test_creating_again_needs_the_credentials(ask: Ask, account: Account) -> None:
    operation = absent_twice(ask, account)
    OperationSecret.objects.all().delete()
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)
