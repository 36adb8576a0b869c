"""The campaign's checker finds every planted error, and nothing where nothing is wrong."""

import time
from collections.abc import Callable, Iterator

import pytest
from django.db.models.functions import Now

from instances.engine import drain
from instances.engine.claims import lease
from instances.models import Instance, InstanceStatus, Operation
from sandbox.running import Account
from tests.faults import checker, selftest, trace
from tests.faults.case import Case
from tests.faults.driver import Accepted
from tests.faults.trace import Step

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def traced(transactional_db: None) -> Iterator[None]:
    """Write down every move while the test lasts."""
    trace.install()
    yield
    trace.remove()


@pytest.fixture
def case(traced: None, ask: Callable[..., Instance], account: Account) -> Case:
    """Three requests that went well, one of them only after its answer had been lost."""
    account.fault("commit then drop")
    accepted = [_accepted(ask(name=f"Instance {number}")) for number in range(3)]
    for _round in range(2):
        for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
            drain.work_on(operation)
    return Case("T1", accepted[0].organization_id, account, accepted)


def _accepted(instance: Instance) -> Accepted:
    operation = instance.operations.get()
    return Accepted(operation.client_request_id, instance.pk, instance.organization_id)


def test_nothing_is_found_where_nothing_is_wrong(case: Case) -> None:
    assert {
        name: found for name, found in checker.check(case, trace.steps()).items() if found
    } == {}


def test_every_move_is_written_down(case: Case) -> None:
    moves = {(step.old, step.new) for step in trace.steps() if step.what == "operation"}
    assert {("claimed", "sending"), ("sending", "unknown"), ("created", "succeeded")} <= moves


@pytest.mark.parametrize("plant", selftest.PLANTS)
def test_a_planted_error_is_found(plant: str, case: Case) -> None:
    assert selftest.PLANTS[plant](case, trace.steps())


def test_a_breaker_that_opens_while_open_counts_from_the_first_time(case: Case) -> None:
    later = Step(time.time() + 60, "breaker", case.organization_id, "open", "open", 0, 0, "")
    assert selftest.PLANTS["open breaker"](case, [*trace.steps(), later])


def test_what_is_shown_as_deleted_must_not_live(case: Case) -> None:
    Instance.objects.update(status=InstanceStatus.DELETED)
    assert len(checker.check(case, trace.steps())["I3"]) == 3
    for one in case.account.instances():
        case.account.remove_instance(one["id"])
    assert not checker.check(case, trace.steps())["I3"]


def test_what_was_taken_back_and_lives_is_found(case: Case) -> None:
    row = Operation.objects.filter(pk=Operation.objects.earliest("pk").pk)
    row.update(state="canceled", cancel_wish="keep", cancel_requested_at=Now())
    assert checker.check(case, trace.steps())["I3"]
