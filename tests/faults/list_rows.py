"""Faults of what the platform lists: late, ignoring the filter, without tags, or twice."""

from django.db.models import F

from instances.models import (
    Finding,
    OperationState,
    Organization,
)
from tests.faults.ground import Ground, Row
from tests.faults.processes import wait_until
from tests.faults.remote_rows import SETTLE, all_end_well, wait_for_active

S = OperationState
GROUP = 10


def lying_lists(ground: Ground) -> None:
    """F33: lists that lag, ignore the filter, fail midway, or answer 404 like a proxy."""
    for _ in range(0, ground.operations, GROUP):
        case = ground.new_case()
        ground.submit(3, case)
        wait_for_active(ground, case, 3)
        case.account.set(list_lag=2.0, page_size=2)
        for fault in ("list ignores filter", "list 404 html", "list pages fail"):
            case.account.fault(fault, GROUP)
        ground.fault_each("commit then drop", [{}] * (GROUP // 2), case)
        ground.fault_each("drop before commit", [{}] * (GROUP - GROUP // 2), case)
        ground.submit(GROUP, case)
    ground.settle()
    ground.injected = sum(ground.struck("list", case) for case in ground.cases)
    ground.needed = ground.operations
    total = sum(len(case.accepted) for case in ground.cases)
    ground.expect("all active", ground.count(S.SUCCEEDED) == total)


def stripped_tags(ground: Ground) -> None:
    """F33: tags that are stripped lead to a person, never to a second instance."""
    ground.submit(1)
    ground.settle()
    ground.account.fault("strip tags", ground.operations)
    ground.account.fault("commit then drop", ground.operations)
    ground.submit(ground.operations)
    ground.settle()
    ground.injected, ground.needed = ground.struck("strip tags"), ground.operations
    ground.expect("each needs a person", ground.count(S.NEEDS_PERSON) == ground.operations)
    ground.expect("one request each", ground.posts() == ground.operations + 1)


def late_duplicates(ground: Ground) -> None:
    """F23: created long after the settle time: each duplicate becomes a finding."""
    seconds = [ground.chance.uniform(3 * SETTLE, 5 * SETTLE) for _ in range(ground.operations)]
    ground.fault_each("late commit", [{"seconds": each, "then": "close"} for each in seconds])
    all_end_well(ground, "late commit", ground.operations)
    ground.stack.sandbox.settle(120)
    twice = len(ground.account.instances()) - ground.operations
    Organization.objects.filter(pk=ground.case.organization_id).update(audit_due_at=F("created_at"))
    findings = Finding.objects.filter(organization_id=ground.case.organization_id)
    wait_until(lambda: findings.count() >= twice, 60)
    ground.expect("there were duplicates", twice > 0)
    ground.expect("each is a finding", findings.count() == twice)


ROWS = [
    Row("F23", "created long after the settle time", late_duplicates, is_ci=False, is_late=True),
    Row("F33", "lists that lag, ignore filters, fail midway", lying_lists),
    Row("F33t", "tags stripped and the answer lost", stripped_tags, resolves=False, share=0.5),
]
