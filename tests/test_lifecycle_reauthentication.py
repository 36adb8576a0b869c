"""An instance gets new credentials under its id: kept, sent, looked up, and looked for a copy."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from instances import access
from instances.engine import searching
from instances.models import (
    AttemptOutcome,
    AuditEntry,
    Environment,
    Finding,
    Instance,
    InstanceStatus,
    Operation,
    OperationSecret,
    OperationState,
    Organization,
    Role,
)
from instances.operations import (
    Choice,
    MaskTypedError,
    MissingEntriesError,
    NothingChangesError,
    choices_for,
    decide,
    kept_since,
    request_instance_reauthentication,
    reveal_token,
)
from sandbox.running import Account
from tests.cases import read, the_operation, work

pytestmark = pytest.mark.django_db(transaction=True)

S = OperationState
Renew = Callable[..., Operation]


@pytest.fixture
def renew(made: Instance, operator: User) -> Renew:
    """Ask for new credentials of `made`, given with dots for two underscores."""

    def renew(requester: User = operator, **configuration: str | bool) -> Operation:
        return request_instance_reauthentication(
            requester=requester,
            instance=read(made),
            configuration={key.replace("__", "."): one for key, one in configuration.items()},
        )

    return renew


def patches(account: Account) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in account.ledger() if entry.method == "PATCH"]


def fail(account: Account, kind: str, times: int = 1, **options: Any) -> None:
    account.fault(kind, times, method="PATCH", path="/instances", **options)


def test_a_password_alone_is_sent_and_everything_else_kept(
    made: Instance, renew: Renew, account: Account
) -> None:
    password = account.sandbox.password
    renew(password=password)
    work()
    now = read(made)
    assert (now.status, now.remote_id) == (InstanceStatus.ACTIVE, made.remote_id)
    assert the_operation(made).state == S.SUCCEEDED
    (sent,) = patches(account)
    assert list(sent) == ["configuration"]
    assert list(sent["configuration"]) == ["password"]
    assert not OperationSecret.objects.exists()


def test_it_changes_over_to_production_with_an_oauth_client(
    made: Instance, renew: Renew, account: Account
) -> None:
    tenant = account.production
    renew(
        zuorav2__sandbox=False,
        authentication__type="custom",
        clientId=tenant.client_id,
        clientSecret=tenant.client_secret,
    )
    work()
    now = read(made)
    assert (now.environment, now.is_valid) == (Environment.PRODUCTION, True)
    assert now.configuration["authentication.type"] == "custom"
    assert account.only_instance()["configuration"]["clientSecret"] == tenant.client_secret


@pytest.mark.parametrize(
    "change", [{"zuorav2__sandbox": False}, {"authentication__type": "custom"}]
)
def test_whoever_changes_over_gives_all_credentials(
    made: Instance, renew: Renew, change: dict[str, Any]
) -> None:
    with pytest.raises(MissingEntriesError) as refusal:
        renew(**change)
    assert len(refusal.value.entries) == 2
    assert read(made).status == InstanceStatus.ACTIVE


def test_wrong_credentials_are_told_and_those_of_before_stay(
    made: Instance, renew: Renew, account: Account, organization: Organization
) -> None:
    renew(password="not-the-password")
    work()
    operation = the_operation(made)
    assert (operation.state, operation.problem) == (S.REJECTED, "provider")
    assert "those of before stay in use" in operation.message
    assert "Whoever keeps the account at the provider" in operation.message
    assert account.only_instance()["configuration"]["password"] == account.sandbox.password
    organization.refresh_from_db()
    assert not organization.is_refused
    assert read(made).status == InstanceStatus.ACTIVE
    assert not OperationSecret.objects.exists()


def test_credentials_that_are_taken_and_do_not_work_are_told(
    made: Instance, renew: Renew, account: Account
) -> None:
    account.set(wrong_credentials_accepted=True)
    renew(password="not-the-password")
    work()
    operation = the_operation(made)
    assert (operation.state, operation.problem) == (S.SUCCEEDED, "differs")
    assert "provider did not take the credentials" in operation.message
    assert read(made).is_valid is False


def test_another_token_is_stored_and_said(
    made: Instance, renew: Renew, account: Account, operator: User
) -> None:
    account.set(reprovision_changes_token=True)
    renew(username=account.sandbox.username, password=account.sandbox.password)
    account.change_instance(account.only_instance()["id"], valid=False)
    before = reveal_token(actor=operator, instance=read(made)).reveal()
    work()
    now = reveal_token(actor=operator, instance=read(made)).reveal()
    assert now == account.only_instance()["token"] != before
    assert AuditEntry.objects.filter(action="instance.token_changed").count() == 1


def test_a_second_instance_is_looked_for_and_found(
    made: Instance, renew: Renew, account: Account
) -> None:
    account.set(reprovision_makes_copy=True)
    account.change_instance(account.only_instance()["id"], valid=False)
    renew(password=account.sandbox.password)
    work()
    searching.run()
    (copy,) = [one for one in account.instances() if one["id"] != made.remote_id]
    assert Finding.objects.get().remote_id == copy["id"]


@pytest.mark.parametrize("kind", ["commit then drop", "drop before commit"])
def test_a_lost_answer_that_nothing_shows_is_sent_again(
    made: Instance, renew: Renew, account: Account, kind: str
) -> None:
    fail(account, kind)
    renew(password=account.sandbox.password)
    work()
    assert the_operation(made).state == S.UNKNOWN
    work()
    assert the_operation(made).state == S.SUCCEEDED
    outcomes = [one.outcome for one in the_operation(made).attempts.order_by("number")]
    assert outcomes == [AttemptOutcome.SUPERSEDED, AttemptOutcome.SUCCEEDED]


def test_a_lost_answer_that_the_instance_shows_is_not_sent_again(
    made: Instance, renew: Renew, account: Account
) -> None:
    fail(account, "commit then drop")
    tenant = account.production
    renew(zuorav2__sandbox=False, username=tenant.username, password=tenant.password)
    work(2)
    assert the_operation(made).state == S.SUCCEEDED
    assert len(patches(account)) == 1


def test_what_the_instance_shows_before_anything_left_proves_nothing(
    made: Instance, renew: Renew, account: Account
) -> None:
    tenant, remote = account.production, account.only_instance()
    shown = {"zuorav2.sandbox": "false", "username": tenant.username}
    values = remote["configuration"] | shown
    account.change_instance(remote["id"], configuration=values, valid=True)
    renew(zuorav2__sandbox=False, username=tenant.username, password=tenant.password)
    work()
    assert account.only_instance()["configuration"]["password"] == tenant.password
    assert len(patches(account)) == 1


def test_an_instance_that_is_not_valid_proves_nothing(
    made: Instance, renew: Renew, account: Account
) -> None:
    account.set(wrong_credentials_accepted=True)
    fail(account, "commit then drop")
    renew(username="another", password="not-the-password")
    work(2)
    assert (the_operation(made).state, the_operation(made).problem) == (S.SUCCEEDED, "differs")
    assert len(patches(account)) == 2


def test_it_is_not_sent_again_before_the_platform_had_its_time(
    made: Instance, renew: Renew, account: Account, settings: Any
) -> None:
    settings.ENGINE = {**settings.ENGINE, "SETTLE_SECONDS": 900.0}
    fail(account, "drop before commit")
    renew(password=account.sandbox.password)
    work(3)
    assert the_operation(made).state == S.UNKNOWN
    assert len(patches(account)) == 1


def test_after_three_lost_answers_a_person_decides_and_may_have_it_sent_again(
    made: Instance, renew: Renew, account: Account, operator: User
) -> None:
    fail(account, "commit then drop", 3)
    renew(password=account.sandbox.password)
    work(4)
    operation = the_operation(made)
    assert (operation.state, operation.problem) == (S.NEEDS_PERSON, "unproven")
    assert choices_for(operation) == (Choice.LOOK, Choice.MARK)
    decide(actor=operator, operation=operation, choice=Choice.LOOK, reason="It answers again.")
    work()
    assert the_operation(made).state == S.SUCCEEDED
    assert len(patches(account)) == 4


def test_it_says_since_when_a_credential_is_kept(
    made: Instance, renew: Renew, account: Account
) -> None:
    created = the_operation(made).finished_at
    renew(password=account.sandbox.password)
    work()
    since = kept_since(read(made))
    assert since["username"] == created
    assert since["password"] == the_operation(made).finished_at


def test_nothing_typed_is_nothing_to_send(renew: Renew) -> None:
    with pytest.raises(NothingChangesError):
        renew()


def test_a_mask_is_never_taken_for_a_password(renew: Renew) -> None:
    with pytest.raises(MaskTypedError):
        renew(password="********")


def test_only_who_manages_it_may(renew: Renew, member: Callable[..., User]) -> None:
    with pytest.raises(access.NotAllowedError):
        renew(requester=member(Role.OPERATOR, "otto"), password="x")


def test_what_was_typed_is_nowhere_but_sealed(renew: Renew) -> None:
    operation = renew(password="typed-and-secret")
    rows = [str(operation.payload), *map(str, AuditEntry.objects.values_list("detail", flat=True))]
    assert "typed-and-secret" not in "".join(rows)
    assert OperationSecret.objects.get().sealed.startswith("ce1.")


def test_value_that_was_hidden_before_proves_nothing(
    ask: Callable[..., Instance], operator: User, account: Account
) -> None:
    """An element's typed values are stored hidden: that one shows now is no change."""
    entries = {"base.url": "https://jira.example.com", "username": "somebody"}
    instance = ask(element_key="jira", configuration=entries | {"password": "first-password"})
    work()
    Instance.objects.filter(pk=instance.pk).update(configuration=dict.fromkeys(entries, "********"))
    operation = request_instance_reauthentication(
        requester=operator,
        instance=read(instance),
        configuration={"username": "somebody", "password": "second-password"},
    )
    fail(account, "drop before commit")
    work(2)
    assert len(patches(account)) == 2
    assert account.only_instance()["configuration"]["password"] == "second-password"
    assert the_operation(instance).pk == operation.pk
