"""An instance that exists is edited: nothing but what changes is sent, and nobody is overwritten."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from instances import access
from instances.models import (
    AttemptOutcome,
    AuditEntry,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
    OperationState,
    Role,
)
from instances.operations import (
    EditedMeanwhileError,
    Edition,
    MaskTypedError,
    NotChangeableError,
    NothingChangesError,
    changed_by,
    differences,
    request_instance_edit,
)
from sandbox.running import Account
from tests.cases import read, the_operation, work

pytestmark = pytest.mark.django_db(transaction=True)

S = OperationState
Ask = Callable[..., Instance]
Edit = Callable[..., Operation]
CALLBACK = "event.notification.callback.url"


@pytest.fixture
def edit(made: Instance, operator: User) -> Edit:
    """Ask for another name, other tags or values of `made`."""

    def edit(requester: User = operator, seen: Edition | None = None, **changes: Any) -> Operation:
        seen = seen or Edition.of(read(made))
        values = {**seen.values, **changes.pop("values", {})}
        wanted = replace(seen, values=values, **changes)
        return request_instance_edit(
            requester=requester, instance=read(made), seen=seen, wanted=wanted
        )

    return edit


def patches(account: Account) -> list[dict[str, Any]]:
    """Return the bodies of all changes that arrived, in order."""
    return [json.loads(entry.body) for entry in account.ledger() if entry.method == "PATCH"]


def fail(account: Account, kind: str, **options: Any) -> None:
    account.fault(kind, method="PATCH", path="/instances", **options)


def test_only_what_changes_is_sent(made: Instance, edit: Edit, account: Account) -> None:
    edit(name="Billing", values={CALLBACK: "https://example.com/hook"})
    work()
    expected = {"name": "Billing", "configuration": {CALLBACK: "https://example.com/hook"}}
    assert patches(account) == [expected]
    now = read(made)
    assert (now.name, now.status) == ("Billing", InstanceStatus.ACTIVE)
    assert now.configuration[CALLBACK] == "https://example.com/hook"
    assert the_operation(made).state == S.SUCCEEDED
    assert not OperationSecret.objects.exists()


def test_our_tag_stays_whatever_is_removed(made: Instance, edit: Edit, account: Account) -> None:
    own = made.operations.get().tag
    edit(tags=())
    work()
    assert account.only_instance()["tags"] == [own]
    assert read(made).tag_names == [own]


def test_our_tag_is_given_back_when_the_platform_lost_it(
    made: Instance, edit: Edit, account: Account
) -> None:
    account.change_instance(account.only_instance()["id"], tags=["billing"])
    edit(tags=("billing", "finance"))
    work()
    own = made.operations.get(kind="create").tag
    assert account.only_instance()["tags"] == ["billing", "finance", own]


def test_tags_that_others_added_on_the_platform_stay(edit: Edit, account: Account) -> None:
    remote = account.only_instance()
    account.change_instance(remote["id"], tags=[*remote["tags"], "theirs"])
    edit(tags=("mine",))
    work()
    assert {"mine", "theirs"} < set(account.only_instance()["tags"])
    assert "billing" not in account.only_instance()["tags"]


@pytest.mark.parametrize(("kind", "requests"), [("commit then drop", 1), ("drop before commit", 2)])
def test_a_lost_answer_is_compared_with_the_instance(
    made: Instance, edit: Edit, account: Account, kind: str, requests: int
) -> None:
    fail(account, kind)
    edit(name="Billing", tags=("finance",), values={"filter.response.nulls": "false"})
    work()
    assert (the_operation(made).state, read(made).name) == (S.UNKNOWN, "Billing sandbox")
    work()
    assert (the_operation(made).state, read(made).name) == (S.SUCCEEDED, "Billing")
    assert len(patches(account)) == requests


def test_a_hidden_value_is_sent_again_since_nothing_shows_it(
    made: Instance, edit: Edit, account: Account
) -> None:
    fail(account, "commit then drop")
    edit(values={CALLBACK: "https://user:pass-word@example.com/hook"})
    work(2)
    assert the_operation(made).state == S.SUCCEEDED
    outcomes = [one.outcome for one in the_operation(made).attempts.order_by("number")]
    assert outcomes == [AttemptOutcome.SUPERSEDED, AttemptOutcome.SUCCEEDED]
    assert "pass-word" not in str(read(made).configuration)


def test_a_name_that_the_platform_cleans_is_stored_as_it_came_out(
    made: Instance, edit: Edit
) -> None:
    edit(name="<b>Billing</b>")
    work()
    operation = the_operation(made)
    assert (operation.state, operation.problem) == (S.SUCCEEDED, "differs")
    assert read(made).name == "Billing"


def test_a_refusal_leaves_everything_and_erases_what_was_typed(
    made: Instance, edit: Edit, account: Account
) -> None:
    fail(account, "status", status=400, message="No such callback.")
    edit(name="Billing", values={CALLBACK: "https://example.com/hook"})
    work()
    assert (the_operation(made).state, read(made).name) == (S.REJECTED, "Billing sandbox")
    assert "No such callback." in the_operation(made).message
    assert not OperationSecret.objects.exists()


def test_the_second_of_two_is_told_what_the_first_changed(
    made: Instance, edit: Edit, member: Callable[..., User], account: Account
) -> None:
    seen = Edition.of(made)
    ada = member(Role.ADMIN, "ada")
    edit(requester=ada, name="Billing", seen=seen)
    with pytest.raises(NotChangeableError):
        edit(name="Mine", seen=seen)
    work()
    with pytest.raises(EditedMeanwhileError):
        edit(tags=("mine",), seen=seen)
    (theirs,) = differences(seen, Edition.of(read(made)))
    assert (theirs.what, theirs.before, theirs.after) == ("Name", "Billing sandbox", "Billing")
    (entry,) = changed_by(made, since=made.created_at)[:1]
    assert (entry.actor, entry.detail["changes"]) == (ada, ["Name"])
    assert read(made).status == InstanceStatus.ACTIVE
    assert len(patches(account)) == 1


def test_a_change_of_nothing_is_none(made: Instance, edit: Edit) -> None:
    with pytest.raises(NothingChangesError):
        edit(tags=tuple(reversed(Edition.of(made).tags)))
    assert read(made).status == InstanceStatus.ACTIVE


@pytest.mark.parametrize("typed", ["********", "https://********@example.com"])
def test_a_mask_is_never_taken_for_a_value(made: Instance, edit: Edit, typed: str) -> None:
    with pytest.raises(MaskTypedError) as refusal:
        edit(values={CALLBACK: typed})
    assert refusal.value.keys == [CALLBACK]
    assert read(made).status == InstanceStatus.ACTIVE


def test_only_who_manages_it_may_edit(edit: Edit, member: Callable[..., User]) -> None:
    with pytest.raises(access.NotAllowedError):
        edit(requester=member(Role.OPERATOR, "otto"), name="Theirs")


def test_values_past_their_time_are_asked_for_again(
    made: Instance, edit: Edit, account: Account
) -> None:
    edit(values={CALLBACK: "https://example.com/hook"})
    OperationSecret.objects.all().delete()
    work()
    assert (the_operation(made).state, the_operation(made).problem) == (S.NEEDS_PERSON, "expired")
    assert patches(account) == []


def test_what_was_asked_for_is_recorded_without_its_values(edit: Edit) -> None:
    edit(name="Billing", values={CALLBACK: "https://example.com/hook"})
    detail = AuditEntry.objects.get(action="edit.requested").detail
    assert detail == {"changes": ["Name", CALLBACK], "keys": [CALLBACK]}
    assert "example.com" not in str(Operation.objects.get(kind="edit").payload)
