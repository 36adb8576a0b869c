"""An instance is disabled, counted down, deleted with proof, and leaves no secret behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances import access, vault
from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    CancelWish,
    CredentialPrint,
    Evidence,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    OperationKind,
    OperationState,
    Organization,
    Role,
)
from instances.models.states import moves_of
from instances.operations import (
    Choice,
    NameDiffersError,
    NotChangeableError,
    NoTokenError,
    SwitchedOffError,
    TooLateError,
    choices_for,
    decide,
    delete_at,
    request_cancel,
    request_instance_deletion,
    request_instance_switch,
    reveal_token,
    undo_instance_deletion,
)
from instances.operations.restore import accept_restore
from instances.vault import Purpose
from sandbox.running import Account
from tests.cases import the_operation, work

pytestmark = pytest.mark.django_db(transaction=True)

S = OperationState
Ask = Callable[..., Instance]
Delete = Callable[..., Operation]


@pytest.fixture
def made(ask: Ask) -> Instance:
    """An instance that a worker made on the platform."""
    instance = ask()
    work()
    return read(instance)


@pytest.fixture
def delete(made: Instance, operator: User) -> Delete:
    """Ask that `made` is deleted."""

    def delete(**changes: object) -> Operation:
        asked: dict[str, Any] = {
            "requester": operator,
            "instance": made,
            "reason": "The contract has ended.",
        }
        return request_instance_deletion(**{"typed_name": made.name, **asked, **changes})

    return delete


@pytest.fixture
def counted(delete: Delete, made: Instance) -> Instance:
    """An instance that is disabled, and is deleted in a week."""
    delete()
    work()
    return read(made)


@pytest.fixture
def at_once(settings: Any) -> None:
    settings.ENGINE = {**settings.ENGINE, "DELETION_DAYS": 0.0}


def read(instance: Instance) -> Instance:
    return Instance.objects.select_related("organization").get(pk=instance.pk)


def stands(instance: Instance) -> tuple[str, str, str]:
    """Return its newest operation, how that stands, and how its row does."""
    operation = the_operation(instance)
    return (operation.kind, operation.state, read(instance).status)


def sent(account: Account) -> list[str]:
    """Return the requests that change something after the creation, in order."""
    changes = [entry for entry in account.ledger() if entry.method in ("DELETE", "PUT")]
    return [f"{entry.method} {entry.path.rpartition('/')[2]}" for entry in changes]


def bring_the_day(instance: Instance) -> None:
    """Let the countdown be over."""
    deletion = the_operation(instance)
    deletion.payload["until"] = (timezone.now() - timedelta(seconds=1)).isoformat()
    deletion.save()


def test_it_is_disabled_counted_down_and_deleted(
    counted: Instance, account: Account, operator: User
) -> None:
    assert stands(counted) == ("delete", S.QUEUED, InstanceStatus.ACTIVE)
    assert counted.is_disabled
    until = delete_at(counted)
    assert until
    assert timedelta(days=6.9) < until - timezone.now() < timedelta(days=7.1)
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert account.instances() == []
    assert sent(account) == ["DELETE enabled", f"DELETE {counted.remote_id}"]


def test_nothing_brings_its_day_forward(counted: Instance, account: Account) -> None:
    work(3)
    assert stands(counted) == ("delete", S.QUEUED, InstanceStatus.ACTIVE)
    assert sent(account) == ["DELETE enabled"]
    assert Operation.objects.filter(kind="delete", next_run_at__gt=Now() + timedelta(days=6))


@pytest.mark.usefixtures("at_once")
def test_without_a_countdown_it_is_deleted_at_once(
    delete: Delete, made: Instance, account: Account
) -> None:
    delete()
    work(2)
    assert stands(made) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert account.instances() == []


def test_no_secret_is_left_of_it(counted: Instance, operator: User) -> None:
    seen = Evidence.objects.get()
    assert vault.open_sealed(seen, "token", purpose=Purpose.CHECK).reveal()
    assert CredentialPrint.objects.exists()
    bring_the_day(counted)
    work()
    seen.refresh_from_db()
    assert read(counted).token == ""
    assert not CredentialPrint.objects.exists()
    assert vault.open_sealed(seen, "token", purpose=Purpose.CHECK).reveal() == ""
    with pytest.raises(NoTokenError):
        reveal_token(actor=operator, instance=read(counted))


def test_it_is_believed_between_two_controls(counted: Instance, account: Account) -> None:
    bring_the_day(counted)
    before = len(account.ledger())
    work()
    calls = [f"{one.method} {one.path.rpartition('/')[2]}" for one in account.ledger()[before:]]
    gone = f"{counted.remote_id}"
    assert calls == ["GET me", f"DELETE {gone}", "GET me", f"GET {gone}", "GET me"]


def test_an_answer_without_a_deletion_is_not_believed(counted: Instance, account: Account) -> None:
    account.fault("status", method="DELETE", path=f"/instances/{counted.remote_id}", status=200)
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.UNKNOWN, InstanceStatus.DELETING)
    assert the_operation(counted).problem == "still-there"
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


@pytest.mark.parametrize(("kind", "requests"), [("commit then drop", 1), ("drop before commit", 2)])
def test_a_lost_answer_is_looked_up(
    counted: Instance, account: Account, kind: str, requests: int
) -> None:
    account.fault(kind, method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work(2)
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert sent(account).count(f"DELETE {counted.remote_id}") == requests


def test_a_worker_that_died_after_sending_leaves_nothing_in_doubt(
    counted: Instance, account: Account
) -> None:
    account.fault("commit then drop", method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work()
    Attempt.objects.filter(operation__kind="delete").update(
        outcome=AttemptOutcome.IN_FLIGHT, ended_at=None
    )
    Operation.objects.filter(kind="delete").update(state=S.SENDING)
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


def test_what_is_in_use_is_explained(counted: Instance, account: Account) -> None:
    account.set(delete_in_use=True)
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.REJECTED, InstanceStatus.ACTIVE)
    operation = the_operation(counted)
    assert operation.problem == "in-use"
    assert "in use by a formula instance" in operation.message
    assert "Remove what uses it" in operation.message


def test_what_is_gone_before_its_day_is_proven(counted: Instance, account: Account) -> None:
    assert counted.remote_id
    account.remove_instance(counted.remote_id)
    bring_the_day(counted)
    work(2)
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


def test_what_is_gone_already_is_proven_and_not_counted_down(
    delete: Delete, made: Instance, account: Account
) -> None:
    assert made.remote_id
    account.remove_instance(made.remote_id)
    delete()
    work(3)
    assert stands(made) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)
    assert read(made).token == ""


def test_it_is_undone_and_enabled_again(
    counted: Instance, account: Account, operator: User
) -> None:
    undo_instance_deletion(actor=operator, instance=counted)
    work()
    assert stands(counted) == ("enable", S.SUCCEEDED, InstanceStatus.ACTIVE)
    assert account.only_instance()["disabled"] is False
    assert Operation.objects.get(kind="delete").state == S.CANCELED
    assert AuditEntry.objects.get(action="instance.deletion_undone").actor == operator
    assert delete_at(counted) is None


@pytest.mark.parametrize("state", [S.QUEUED, S.BLOCKED])
def test_undoing_is_a_move_of_the_table(state: OperationState) -> None:
    assert state in moves_of(OperationKind.DELETE)[S.CANCELED]
    assert S.UNKNOWN not in moves_of(OperationKind.DELETE)[S.CANCELED]


def test_what_was_disabled_before_stays_so_when_it_is_undone(
    delete: Delete, made: Instance, account: Account, operator: User
) -> None:
    request_instance_switch(
        requester=operator, instance=made, is_to_be_disabled=True, reason="Broken."
    )
    work()
    delete(instance=read(made))
    assert stands(made) == ("delete", S.QUEUED, InstanceStatus.ACTIVE)
    undo_instance_deletion(actor=operator, instance=read(made))
    work()
    assert account.only_instance()["disabled"] is True
    assert sent(account) == ["DELETE enabled"]


def test_what_a_worker_holds_is_not_undone(counted: Instance, operator: User) -> None:
    Operation.objects.filter(kind="delete").update(lease_until=Now() + timedelta(minutes=1))
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)
    assert stands(counted)[1] == S.QUEUED


def test_what_may_have_left_is_not_undone(
    counted: Instance, account: Account, operator: User
) -> None:
    account.fault("commit then drop", method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work()
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)


def test_what_may_have_left_is_not_undone_even_if_it_waits_again(
    counted: Instance, account: Account, operator: User
) -> None:
    account.fault("commit then drop", method="DELETE", path=f"/instances/{counted.remote_id}")
    bring_the_day(counted)
    work()
    Operation.objects.filter(kind="delete").update(state=S.QUEUED, lease_until=None)
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)


def test_undoing_twice_is_too_late(counted: Instance, operator: User) -> None:
    undo_instance_deletion(actor=operator, instance=counted)
    with pytest.raises(TooLateError):
        undo_instance_deletion(actor=operator, instance=counted)


def test_taken_back_while_it_is_disabled_it_is_not_deleted(
    delete: Delete, made: Instance, account: Account, operator: User
) -> None:
    account.fault("commit then drop", method="DELETE", path="/instances")
    delete()
    work()
    request_cancel(actor=operator, instance=made, wish=CancelWish.KEEP)
    work(2)
    assert stands(made) == ("disable", S.SUCCEEDED, InstanceStatus.ACTIVE)
    assert not Operation.objects.filter(kind="delete").exists()


def test_a_refused_disabling_begins_no_countdown(
    delete: Delete, made: Instance, account: Account
) -> None:
    account.fault("status", method="DELETE", path="/instances", status=400, message="No.")
    delete()
    work(2)
    assert stands(made) == ("disable", S.REJECTED, InstanceStatus.ACTIVE)
    assert delete_at(made) is None


def test_who_lost_the_right_meanwhile_is_not_obeyed(
    counted: Instance, account: Account, operator: User
) -> None:
    Membership.objects.filter(user=operator).delete()
    bring_the_day(counted)
    work()
    assert stands(counted) == ("delete", S.REJECTED, InstanceStatus.ACTIVE)
    assert the_operation(counted).problem == "permission"
    assert len(account.instances()) == 1


def test_a_day_of_trying_begins_with_its_day(counted: Instance, account: Account) -> None:
    Operation.objects.filter(kind="delete").update(created_at=Now() - timedelta(days=7))
    bring_the_day(counted)
    account.fault("status", method="GET", path="/organizations", status=503)
    work()
    assert the_operation(counted).state == S.QUEUED
    work()
    assert stands(counted) == ("delete", S.SUCCEEDED, InstanceStatus.DELETED)


def test_after_a_restored_backup_a_person_decides(counted: Instance, operator: User) -> None:
    accept_restore()
    operation = the_operation(counted)
    assert (operation.state, operation.problem) == (S.NEEDS_PERSON, "restored")
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)
    decide(actor=operator, operation=operation, choice=Choice.MARK, reason="It was undone.")
    assert stands(counted) == ("delete", S.REJECTED, InstanceStatus.ACTIVE)


def test_another_name_deletes_nothing(delete: Delete, made: Instance) -> None:
    with pytest.raises(NameDiffersError):
        delete(typed_name="Billing")
    assert not made.operations.exclude(kind="create").exists()
    delete(typed_name=str(made.remote_id))


def test_only_who_manages_it_may_ask_or_undo(
    delete: Delete, counted: Instance, member: Callable[..., User]
) -> None:
    stranger = member(Role.OPERATOR, "otto")
    with pytest.raises(access.NotAllowedError):
        delete(requester=stranger)
    with pytest.raises(access.NotAllowedError):
        undo_instance_deletion(actor=stranger, instance=counted)


def test_nothing_else_is_done_meanwhile(delete: Delete, counted: Instance, operator: User) -> None:
    with pytest.raises(NotChangeableError):
        delete(instance=counted)
    with pytest.raises(NotChangeableError):
        request_instance_switch(
            requester=operator, instance=counted, is_to_be_disabled=False, reason="No."
        )


def test_nothing_is_asked_of_an_organization_that_is_switched_off(
    delete: Delete, made: Instance
) -> None:
    Organization.objects.update(is_active=False)
    with pytest.raises(SwitchedOffError):
        delete(instance=read(made))


def url(name: str, instance: Instance) -> str:
    return reverse(f"instances:{name}", args=[instance.pk])


def body(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_page_counts_down_and_offers_to_undo(counted: Instance, signed_in: Client) -> None:
    page = body(signed_in, counted.get_absolute_url())
    assert "To be deleted in" in page
    assert "The contract has ended." in page
    assert url("deletion_undo", counted) in page
    for name in ("edit", "enable", "delete"):
        assert f'href="{url(name, counted)}"' not in page


def test_the_page_asks_now_and_then_whether_its_day_has_come(
    counted: Instance, signed_in: Client
) -> None:
    asked = signed_in.get(counted.get_absolute_url(), headers={"HX-Target": "state"})
    assert 'hx-trigger="every 60s"' in asked.content.decode()
    assert "HX-Retarget" not in asked.headers
    bring_the_day(counted)
    soon = signed_in.get(counted.get_absolute_url())
    assert 'hx-trigger="every 10s"' in soon.content.decode()


def test_it_says_once_that_it_is_disabled(counted: Instance, signed_in: Client) -> None:
    page = signed_in.get(counted.get_absolute_url()).content.decode()
    assert "Disabled: the platform refuses calls" not in page


def test_who_only_sees_it_finds_no_undo(
    counted: Instance, client: Client, member: Callable[..., User]
) -> None:
    client.force_login(member(Role.VIEWER))
    page = body(client, counted.get_absolute_url())
    assert "To be deleted in" in page
    assert url("deletion_undo", counted) not in page


def test_the_tombstone_says_when_and_by_whom_and_shows_no_token_or_code(
    counted: Instance, signed_in: Client
) -> None:
    bring_the_day(counted)
    work()
    page = body(signed_in, counted.get_absolute_url())
    assert "Deleted on the platform" in page
    assert "Asked for by <bdi>olivia</bdi>" in page
    assert url("delete", counted) not in page
    token = body(signed_in, url("token", counted))
    assert "Deleted, and so is its token" in token
    assert "curl -X" not in token


def test_the_form_wants_the_name(made: Instance, signed_in: Client) -> None:
    answer = signed_in.post(url("delete", made), {"typed_name": "another", "reason": "Old."})
    assert answer.status_code == 422
    assert "This is not its name" in answer.content.decode()
    assert not Operation.objects.filter(kind="disable").exists()


def test_undoing_too_late_is_told(made: Instance, signed_in: Client) -> None:
    answer = signed_in.post(url("deletion_undo", made), follow=True)
    assert "It is too late to undo it" in answer.content.decode()
