"""Faults of the platform: what it does with a request, and what it says about it."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from instances.models import (
    Attempt,
    AttemptOutcome,
    Instance,
    InstanceStatus,
    OperationState,
    Organization,
)
from instances.operations import SecretPair, change_organization
from instances.secret import Secret
from sandbox import corpus, hostile
from tests.faults.case import Case
from tests.faults.ground import USERNAME, Ground, Row
from tests.faults.processes import wait_until
from tests.faults.stack import PERIODS

Options = dict[str, Any]

S = OperationState
GROUP = 40
SETTLE = float(PERIODS["ELEMENTDESK_SETTLE_SECONDS"])
CALL = float(PERIODS["ELEMENTDESK_CALL_SECONDS"])


def baseline(ground: Ground) -> None:
    """Nothing goes wrong."""
    ground.submit(ground.operations)
    ground.settle()
    ground.injected = ground.needed = ground.operations
    ground.expect("all active", ground.count(S.SUCCEEDED) == ground.operations)
    ground.expect("one request each", ground.posts() == ground.operations)


def commit_then_drop(ground: Ground) -> None:
    """F20: created, and the connection closed without an answer."""
    ground.fault_each(
        "commit then drop", [{"reset": bool(n % 2)} for n in range(ground.operations)]
    )
    all_end_well(ground, "commit then drop", ground.operations)
    ground.expect("one request each", ground.posts() == ground.operations)


def drop_before_commit(ground: Ground) -> None:
    """F21: read, and the connection closed without doing anything."""
    _strike_each(ground, "drop before commit", [{}] * ground.operations)
    ground.expect("all active", ground.count(S.SUCCEEDED) == ground.operations)


def _strike_each(ground: Ground, fault: str, options: Sequence[Options]) -> None:
    """
    Let each operation's first request meet the fault.

    A second loss would rightly take a person. In groups, each in an account of its own, so that
    one breaker does not hold up all of them.
    """
    for start in range(0, len(options), GROUP):
        case, group = ground.new_case(), options[start : start + GROUP]
        ground.fault_each(fault, group, case)
        ground.submit(len(group), case)
    ground.settle()
    ground.injected = sum(ground.struck(fault, case) for case in ground.cases)
    ground.needed = len(options)


def commit_late(ground: Ground) -> None:
    """F22: created at some time within the settle time."""
    seconds = [ground.chance.uniform(0, 0.9 * SETTLE) for _ in range(ground.operations)]
    thens = ("close", "hang", "504")
    ground.fault_each(
        "late commit", [{"seconds": s, "then": ground.chance.choice(thens)} for s in seconds]
    )
    all_end_well(ground, "late commit", ground.operations)


def drip(ground: Ground) -> None:
    """F24: one byte after the other, in headers or in the body, for ever."""
    places = ("headers", "body")
    ground.fault_each(
        "drip", [{"where": places[n % 2], "interval": 0.2} for n in range(ground.operations)]
    )
    all_end_well(ground, "drip", ground.operations)
    first = Attempt.objects.filter(operation__in=ground.rows(), number=1)
    longest = max((one.duration.total_seconds() for one in first if one.duration), default=0)
    ground.expect(f"every call ended within {CALL + 3:.0f} s", longest < CALL + 3)


def broken_wire(ground: Ground) -> None:
    """F25: truncated, wrong length, broken chunks, garbage status line, bad gzip."""
    _garbage(ground, list(corpus.WIRES))


def broken_bodies(ground: Ground) -> None:
    """F26: 2xx with everything that is no usable instance."""
    _garbage(ground, list(corpus.BODIES))
    unusable = Instance.objects.filter(
        organization_id=ground.case.organization_id, status=InstanceStatus.ACTIVE, remote_id=None
    )
    ground.expect("none is active without an id", not unusable.exists())


def _garbage(ground: Ground, kinds: list[str]) -> None:
    number = max(ground.operations, len(kinds))
    ground.fault_each("garbage", [{"kind": kinds[n % len(kinds)]} for n in range(number)])
    all_end_well(ground, "garbage", number)
    said = {fault for entry in ground.account.ledger() for fault in entry.faults}
    ground.expect(f"all {len(kinds)} kinds were met", len(said) == len(kinds))


def hostile_texts(ground: Ground) -> None:
    """F27: NUL, surrogates, bidi, script, a megabyte of name, ten thousand tags."""
    _hostile(ground, [k for k in hostile.KINDS if k not in HEAVY])


def heavy_answers(ground: Ground) -> None:
    """F28: bombs: gzip, depth, digits, keys, size."""
    for _ in range(max(2, ground.operations // 20)):
        ground.account.fault("gzip bomb", megabytes=1000)
        ground.account.fault("huge", megabytes=100)
    bombs = 2 * max(2, ground.operations // 20)
    _hostile(ground, HEAVY, bombs)
    ground.expect("all bombs went off", ground.struck("gzip") + ground.struck("huge") == bombs)


HEAVY = ["deep nesting", "deep objects", "many keys", "huge number"]


def _hostile(ground: Ground, kinds: list[str], before: int = 0) -> None:
    number = max(ground.operations, len(kinds))
    ground.fault_each("hostile json", [{"kind": kinds[n % len(kinds)]} for n in range(number)])
    ground.submit(before)
    all_end_well(ground, "hostile json", number)
    pages = [ground.driver.get("/instances/").status_code]
    for accepted in ground.case.accepted[: 2 * len(kinds)]:
        pages.append(ground.driver.get(f"/instances/{accepted.instance_id}/").status_code)
    ground.expect("every page renders", set(pages) == {200})


def redirects(ground: Ground) -> None:
    """F29: redirects of every kind, to itself and to a listener that must hear nothing."""
    target = ground.new_case()
    elsewhere = f"{ground.stack.sandbox.base_url}/instances?heard"
    options: list[Options] = [
        {"status": status, "location": place, "commit": commit}
        for status in (301, 302, 303, 307, 308)
        for place in ("self", elsewhere, "http://169.254.169.254/latest/", "file:///etc/passwd")
        for commit in (False, True)
    ]
    number = max(ground.operations, len(options))
    _strike_each(ground, "redirect", [options[n % len(options)] for n in range(number)])
    ground.expect("all active", ground.count(S.SUCCEEDED) == number)
    heard = [e for e in ground.stack.sandbox.ledger() if ["heard", ""] in e.query]
    ground.expect("nothing followed", not heard and not target.account.ledger())


def statuses(ground: Ground) -> None:
    """F30: every status from 100 to 599, each with and without the commit."""
    every = list(range(100, 600))
    chosen = every if ground.operations >= 100 else ground.chance.sample(every, ground.operations)
    options: list[Options] = [
        {"status": status, "commit": commit} for status in chosen for commit in (False, True)
    ]
    _strike_each(ground, "status", options)
    rejected = Attempt.objects.filter(operation__in=ground.rows(), outcome=AttemptOutcome.REJECTED)
    seen = {status or 0 for status in rejected.values_list("http_status", flat=True)}
    definite = {400, 401, 403, 404, 405, 413, 415, 422}
    ground.expect("only a definite no was believed", seen <= definite)
    ground.expect("every definite no was believed", seen == definite & set(chosen))


def throttled(ground: Ground) -> None:
    """F31: 429 with every kind of Retry-After, then a storm of it."""
    waits = ("1", "0", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "2", None)
    number = ground.operations
    ground.fault_each("throttle", [{"retry_after": waits[n % len(waits)]} for n in range(number)])
    all_end_well(ground, "throttle", number)


def provider_refused(ground: Ground) -> None:
    """F32: 401 for the provider's credentials that a person typed."""
    number = ground.operations // 2
    ground.submit(number, is_provider_right=False)
    ground.settle()
    ground.expect(
        "said whose credentials", ground.rows().filter(problem="provider").count() == number
    )
    _ours_refused(ground, number)


def _ours_refused(ground: Ground, number: int) -> None:
    """F32: 401 for ours: nothing more leaves until the secrets change."""
    case = ground.new_case()
    ground.submit(1, case)
    wait_for_active(ground, case, 1)
    case.account.reset_secrets()
    ground.submit(number, case)
    refused = Organization.objects.filter(pk=case.organization_id, secrets_refused_at__isnull=False)
    ground.expect("refusal was noticed", wait_until(refused.exists, 60))
    wait_until(lambda: False, 2)
    before = len(case.account.ledger())
    wait_until(lambda: False, 3)
    ground.expect("nothing left after the refusal", len(case.account.ledger()) == before)
    _replace_secrets(case)
    ground.settle()
    entries = [entry.status for one in ground.cases for entry in one.account.ledger()]
    ground.injected, ground.needed = entries.count(401), number
    ground.expect(
        "all active after new secrets", ground.count(S.SUCCEEDED, case=case) == number + 1
    )


def _replace_secrets(case: Case) -> None:
    organization = Organization.objects.get(pk=case.organization_id)
    pair = SecretPair(Secret(case.account.user_secret), Secret(case.account.organization_secret))
    change_organization(
        actor=User.objects.get(username=USERNAME),
        organization=organization,
        name=organization.name,
        base_url=organization.base_url,
        environment_label=organization.environment_label,
        is_active=True,
        secrets=pair,
    )


def wait_for_active(ground: Ground, case: Case, number: int) -> None:
    """Wait until so many of a case are active."""
    wait_until(lambda: ground.count(S.SUCCEEDED, case=case) == number, 60)


def all_end_well(ground: Ground, fault: str, needed: int) -> None:
    """Submit so many, wait, and expect each to be active however often the fault struck."""
    ground.submit(max(ground.operations, needed))
    ground.settle()
    ground.injected, ground.needed = ground.struck(fault), needed
    ground.expect("all active", ground.count(S.SUCCEEDED) == len(ground.case.accepted))


ROWS = [
    # The longest first, so that nobody waits for them in the end.
    Row("F30", "every status, with and without the commit", statuses, resolves=False, lies=True),
    Row("F31", "429 with every Retry-After", throttled, is_ci=False),
    Row("F00", "nothing, for comparison", baseline),
    Row("F20", "created, connection closed without an answer", commit_then_drop),
    Row("F21", "not created, connection closed without an answer", drop_before_commit),
    Row("F22", "created late, within the settle time", commit_late),
    Row("F24", "answers that drip for ever", drip, share=0.5),
    Row("F25", "broken HTTP", broken_wire),
    Row("F26", "2xx without a usable instance", broken_bodies),
    Row("F27", "hostile texts", hostile_texts),
    Row("F28", "gzip bombs, depth, digits, keys, size", heavy_answers, share=0.2),
    Row("F29", "redirects", redirects),
    Row("F32", "401 for the provider's or our secrets", provider_refused),
]
