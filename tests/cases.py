"""Bring a request to each point at which a person has to decide, with real lost answers."""

from collections.abc import Callable

from django.db.models.functions import Now

from instances.engine import drain, searching
from instances.engine.claims import lease
from instances.models import Instance, Operation, OperationState, Organization
from sandbox.running import Account

Ask = Callable[..., Instance]


def claimed(limit: int = 10) -> list[Operation]:
    """Claim what is due by itself."""
    return Operation.objects.claim(worker="test", limit=limit, lease=lease())


def work_when_due(limit: int = 10) -> None:
    """Do what is due by itself, as a worker does; `work` waits for nothing."""
    for operation in claimed(limit):
        drain.work_on(operation)


def work(rounds: int = 1) -> None:
    """Do what is due, as a worker does, once or several times."""
    for _ in range(rounds):
        Operation.objects.filter(lease_until=None).update(next_run_at=Now())
        work_when_due()


def synchronize() -> None:
    """Compare the accounts with what is known here, as the sweep does when that is due."""
    Organization.objects.update(audit_due_at=Now())
    searching.run()


def posts(account: Account) -> int:
    """Return how many requests to create reached the platform."""
    return len([e for e in account.ledger() if (e.method, e.path) == ("POST", "/instances")])


def read(instance: Instance) -> Instance:
    """Return its row as it stands now, with its organization."""
    return Instance.objects.select_related("organization").get(pk=instance.pk)


def the_operation(instance: Instance) -> Operation:
    """Return its newest operation, as it stands now."""
    return instance.operations.order_by("-pk")[0]


def absent_twice(ask: Ask, account: Account, **changes: object) -> Operation:
    """Two requests got no answer, and every look found nothing."""
    account.fault("drop before commit", times=2)
    instance = ask(**changes)
    work(9)
    return _stopped(instance, "absent")


def several(ask: Ask, account: Account, **changes: object) -> Operation:
    """The answer was lost, and two instances carry the tag."""
    account.fault("commit then drop")
    instance = ask(**changes)
    work()
    made = account.only_instance()
    account.add_instance(element="zuorav2", name=made["name"], tags=made["tags"])
    work()
    return _stopped(instance, "several")


def name_only(ask: Ask, account: Account, **changes: object) -> Operation:
    """The answer was lost, and the platform dropped the tags."""
    account.fault("strip tags")
    account.fault("commit then drop")
    instance = ask(**changes)
    work(2)
    return _stopped(instance, "possible")


def cannot_look(ask: Ask, account: Account, **changes: object) -> Operation:
    """The answer was lost, and the secrets were replaced before anybody could look."""
    account.fault("drop before commit")
    instance = ask(**changes)
    work()
    operation = the_operation(instance)
    operation.attempts.update(secrets_version=99)
    work()
    return _stopped(instance, "other-secrets")


def _stopped(instance: Instance, problem: str) -> Operation:
    operation = the_operation(instance)
    assert (operation.state, operation.problem) == (OperationState.NEEDS_PERSON, problem)
    return operation
