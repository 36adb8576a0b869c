"""What people are told of is written with the change itself, once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from instances import operations
from instances.cloud_elements import FoundInstance
from instances.engine import accounts, diagnosis, expiring, findings, replacing
from instances.engine.checking import Reading
from instances.models import (
    Candidate,
    FindingKind,
    Health,
    HealthState,
    Instance,
    Notice,
    Operation,
    OperationState,
    Organization,
    Share,
    ShareLevel,
)
from sandbox.running import Account
from tests.cases import absent_twice, read, the_operation, work
from tests.telling.steps import noted

pytestmark = pytest.mark.django_db
# No call leaves inside a transaction.
CALLING = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


@CALLING
def test_a_creation_is_noted_once(made: Instance) -> None:
    assert noted() == [("created", "create")]
    work()
    assert noted() == [("created", "create")]


@CALLING
def test_a_refused_request_is_noted(ask: Ask) -> None:
    wrong = {"zuorav2.sandbox": True, "username": "nobody", "password": "wrong"}
    ask(configuration=wrong)
    work()
    assert noted() == [("failed", "create")]


@CALLING
def test_a_lost_answer_is_noted_once_and_then_what_became_of_it(ask: Ask, account: Account) -> None:
    account.fault("commit then drop")
    ask()
    work()
    assert noted() == [("unknown", "create")]
    work(2)
    assert noted() == [("unknown", "create"), ("created", "create")]


@CALLING
def test_a_decision_that_is_needed_is_noted_but_not_what_a_person_decides(
    ask: Ask, account: Account, operator: User
) -> None:
    operation = absent_twice(ask, account)
    assert noted() == [("unknown", "create"), ("action_needed", "create")]
    operations.decide(
        actor=operator,
        operation=operation,
        choice=operations.Choice.MARK,
        reason="it is not there",
    )
    assert noted() == [("unknown", "create"), ("action_needed", "create")]


@CALLING
@pytest.mark.parametrize("fault", ["", "commit then drop"])
def test_a_change_that_goes_well_is_no_news_unless_it_was_in_doubt(
    made: Instance, operator: User, account: Account, fault: str
) -> None:
    if fault:
        account.fault(fault, method="DELETE", path="/instances")
    operations.request_instance_switch(
        requester=operator, instance=read(made), is_to_be_disabled=True, reason="test"
    )
    work(3)
    assert the_operation(made).state == OperationState.SUCCEEDED
    doubt = [("unknown", "disable"), ("recovered", "disable")] if fault else []
    assert noted() == [("created", "create"), *doubt]


class UndoneError(Exception):
    """The transaction is rolled back."""


def reject_and_undo(operation: Operation) -> None:
    with transaction.atomic():
        assert operation.move(OperationState.REJECTED, epoch=0, finished_at=Now())
        assert noted() == [("failed", "create")]
        raise UndoneError


def test_nothing_is_noted_of_a_move_that_is_undone(ask: Ask) -> None:
    operation = the_operation(ask())
    operation.move(OperationState.CLAIMED, epoch=0)
    with pytest.raises(UndoneError):
        reject_and_undo(operation)
    assert noted() == []


def seen(instance: Instance, state: HealthState, times: int = 2) -> None:
    for _ in range(times):
        diagnosis.record(instance, Reading(state, "token"), timezone.now())


def test_a_broken_instance_is_noted_once_and_that_it_works_again(active: Instance) -> None:
    Health.objects.create(instance=active, organization=active.organization)
    seen(active, HealthState.HEALTHY)
    seen(active, HealthState.ACTION_NEEDED, times=5)
    assert noted() == [("action_needed", "health")]
    diagnosis.look_soon(active)
    seen(active, HealthState.HEALTHY, times=3)
    assert noted() == [("action_needed", "health"), ("recovered", "health")]


def test_refused_secrets_are_noted_once_for_each_pair(organization: Organization) -> None:
    for _ in range(3):
        accounts.mark_refused(organization)
    assert noted() == [("secrets_refused", "secrets")]


def test_refused_new_secrets_are_noted(
    organization: Organization, operator: User, pair: operations.SecretPair
) -> None:
    with transaction.atomic():
        operations.secrets.propose_secrets(
            operator,
            organization,
            base_url=organization.base_url,
            user_secret=pair.user_secret,
            organization_secret=pair.organization_secret,
        )
    candidate = Candidate.objects.select_related("organization").get()
    for _ in range(2):
        replacing.refuse(candidate, replacing.REFUSED)
    assert noted() == [("secrets_refused", "candidate")]


@pytest.mark.parametrize(
    ("kind", "known"), [(FindingKind.ORPHAN, 1), (FindingKind.LATE, 1), (FindingKind.SEVERAL, 0)]
)
def test_a_finding_is_noted_when_it_is_first_seen(
    organization: Organization, kind: FindingKind, known: int
) -> None:
    found = FoundInstance(7, None, "Stray", "zuorav2", ("ced-x",), None)
    for _ in range(2):
        findings.record(organization, kind, found)
    assert noted() == [("action_needed", "finding")] * known


def share(instance: Instance, operator: User, user: User, days: float, ago: float = 10) -> Share:
    made = Share.objects.create(
        instance=instance,
        user=user,
        level=ShareLevel.USE,
        granted_by=operator,
        expires_at=timezone.now() + timedelta(days=days),
    )
    Share.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=ago))
    return made


def test_a_share_is_noted_each_time_it_is_given(
    active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    for level in (ShareLevel.VIEW, ShareLevel.USE):
        operations.share_instance(
            actor=operator, instance=active, level=level, user=make_user(f"t-{level}")
        )
    assert noted() == [("shared", "share")] * 2


@pytest.mark.parametrize(
    ("days", "ago", "notes"),
    [(4, 10, 0), (2.9, 10, 1), (0.9, 10, 1), (2.9, 0, 0), (1.5, 1.4, 0), (-0.1, 10, 0)],
)
def test_the_end_of_a_share_is_noted_three_days_before_and_one(
    active: Instance,
    operator: User,
    make_user: Callable[..., User],
    days: float,
    ago: float,
    notes: int,
) -> None:
    share(active, operator, make_user("tara"), days, ago)
    for _ in range(3):
        expiring.warn()
    assert len(noted()) == notes


def test_each_of_the_two_warnings_comes_in_its_time_and_again_after_it_was_prolonged(
    active: Instance, operator: User, make_user: Callable[..., User]
) -> None:
    tara = make_user("tara")
    made = share(active, operator, tara, 2.9)
    expiring.warn()
    Share.objects.update(expires_at=timezone.now() + timedelta(days=0.9))
    expiring.warn()
    assert len(noted()) == 2
    until = timezone.now() + timedelta(days=2.9)
    operations.share_instance(
        actor=operator, instance=active, level=ShareLevel.USE, user=tara, expires_at=until
    )
    expiring.warn()
    assert [kind for kind, _ in noted()] == ["share_expiring"] * 2 + ["shared", "share_expiring"]
    assert Notice.objects.filter(share=made).count() == 4
