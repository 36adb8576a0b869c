"""What gets lost on the way: the link to the platform, the database's last seconds; and all at once."""

import io
import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management import call_command
from django.db import connection

from instances.models import Finding, Installation, OperationState
from sandbox import corpus, hostile
from tests.faults.ground import Ground, Row
from tests.faults.process_rows import BROKER_AWAY, DATABASE_AWAY, disturb
from tests.faults.processes import wait_until
from tests.faults.proxy import BACK, OUT, Proxy
from tests.faults.remote_rows import CALL, HEAVY, SETTLE

S = OperationState
PATIENCE = 120.0
# What comes late comes well within the settle time after the caller hung up.
LONGEST_CUT = CALL + 0.5 * SETTLE
SLOWEST = 0.4 * CALL


def cut_link(ground: Ground) -> None:
    """F36: the link to the platform is cut again and again: one way, the other, or both."""
    times = max(4, ground.operations // 20)
    proxy, base_url = ground.stack.proxy(1)
    case = ground.new_case(base_url)
    load = ground.in_background(ground.operations, times * LONGEST_CUT / 2, case)
    for number in range(times):
        is_held = partial(_has_risen, proxy, proxy.held)
        proxy.cut(((OUT,), (BACK,), (OUT, BACK))[number % 3])
        # Not before something was held: that is the fault.
        ground.injected += wait_until(is_held, PATIENCE)
        time.sleep(ground.chance.uniform(1.0, LONGEST_CUT))
        proxy.mend()
        time.sleep(1.0)
    load.join()
    ground.settle()
    ground.needed = times
    ground.note = f"{proxy.held} times something was held"
    ground.expect("all active", ground.count(S.SUCCEEDED) == ground.operations)


def _has_risen(proxy: Proxy, before: int) -> bool:
    return proxy.held > before


def slow_link(ground: Ground) -> None:
    """F37: everything on its way takes its time, each piece another, and some take too long."""
    late: list[float] = []

    def delay() -> float:
        late.append(ground.chance.uniform(0.0, SLOWEST))
        return late[-1]

    proxy, base_url = ground.stack.proxy(2)
    proxy.delay = delay
    ground.submit(ground.operations, ground.new_case(base_url))
    ground.settle()
    proxy.delay = float
    ground.injected, ground.needed = len(late), ground.operations
    ground.expect("all active", ground.count(S.SUCCEEDED) == ground.operations)


def failover(ground: Ground) -> None:
    """F16: PostgreSQL comes back without its last seconds: all that was made in them is found."""
    ground.expected_tracebacks += DATABASE_AWAY
    stack, folder = ground.stack, ground.stack.database_folder
    copy = folder.with_name(f"{folder.name}-copy")
    ground.submit(max(1, ground.operations // 2))
    ground.settle()
    stack.kill_database()
    shutil.copytree(folder, copy, copy_function=_copy, ignore=_sockets)
    _own(copy, folder)
    stack.restart_database()
    kept = list(ground.case.accepted)
    ground.driver.forget()
    ground.submit(ground.operations)
    ground.settle()
    stack.kill_database()
    shutil.rmtree(folder)
    copy.rename(folder)
    stack.restart_database()
    connection.close()
    # What the database does not know any more cannot be asked of it: it is found on the platform.
    lost, ground.case.accepted = ground.operations, kept
    _accept(ground, lost)


def _accept(ground: Ground, lost: int) -> None:
    sent = ground.posts()
    fenced = Installation.objects.filter(fenced_at__isnull=False)
    ground.expect("it is noticed", wait_until(lambda: _is_true(fenced.exists), PATIENCE))
    time.sleep(2)
    ground.expect("nothing is sent", ground.posts() == sent)
    said = io.StringIO()
    call_command("after_restore", "--yes", "--wait", "120", stdout=said)
    found = Finding.objects.filter(organization_id=ground.case.organization_id)
    wait_until(lambda: found.count() >= lost, PATIENCE)
    ground.settle()
    ground.injected, ground.needed = found.count(), lost
    ground.expect("each is a finding, and nothing else", found.count() == lost)
    ground.expect("nothing was sent again", ground.posts() == sent)


def _is_true(truth: Callable[[], bool]) -> bool:
    try:
        return truth()
    except Exception:
        connection.close()
        return False


def _copy(source: str, target: str) -> str:
    return str(shutil.copy2(source, target))


def _sockets(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(".s.PGSQL")]


def _own(copy: Any, like: Any) -> None:
    """Let the copy belong to whom the original belongs to."""
    owner = like.stat()
    for path in (copy, *copy.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)
    copy.chmod(owner.st_mode)


def everything(ground: Ground) -> None:
    """F55: any answer may be lost or odd, and any process may end, as the seed has it."""
    ground.expected_tracebacks += [*BROKER_AWAY, *DATABASE_AWAY]
    for _ in range(ground.operations):
        name, options = _fate(ground)
        ground.account.fault(name, first_only=True, **options)
    deeds = _deeds(ground)

    def deed() -> None:
        ground.chance.choice(deeds)()
        ground.injected += 1

    disturb(ground, deed, every=(1.0, 4.0), times=max(6, ground.operations // 10), all_active=False)
    struck = sum(bool(one.faults) for one in ground.account.ledger())
    ground.expect("answers were lost or odd", struck >= ground.operations)
    over = ground.count(S.SUCCEEDED, S.NEEDS_PERSON)
    ground.note = f"{ground.count(S.NEEDS_PERSON)} wait for a person"
    ground.expect("each is active or waits for a person", over == ground.operations)


def _fate(ground: Ground) -> tuple[str, dict[str, Any]]:
    chance = ground.chance
    kinds = [kind for kind in hostile.KINDS if kind not in HEAVY]
    fates: list[tuple[str, dict[str, Any]]] = [
        ("commit then drop", {"reset": chance.random() < 0.5}),
        ("drop before commit", {}),
        ("late commit", {"seconds": chance.uniform(0, 0.7 * SETTLE), "then": "close"}),
        ("hang", {"seconds": 2.0, "commit": True}),
        ("throttle", {"retry_after": chance.choice(("1", "0", "soon", None))}),
        ("status", {"status": chance.choice((500, 502, 503)), "commit": chance.random() < 0.5}),
        ("garbage", {"kind": chance.choice(list(corpus.KINDS))}),
        ("hostile json", {"kind": chance.choice(kinds)}),
        ("redirect", {}),
    ]
    return chance.choice(fates)


def _deeds(ground: Ground) -> list[Callable[[], object]]:
    stack = ground.stack

    def end_database() -> None:
        stack.kill_database()
        stack.restart_database()

    deeds: list[Callable[[], object]] = [
        stack.workers[0].kill,
        stack.workers[1].kill,
        stack.kill_broker,
        stack.web.kill,
    ]
    return [*deeds, end_database] if stack.is_postgresql else deeds


ROWS = [
    Row("F36", "the link cut, one way or both", cut_link, is_ci=False, share=0.5),
    Row("F37", "a slow link", slow_link, is_ci=False, share=0.5),
    Row(
        "F16",
        "the database's last seconds lost",
        failover,
        is_ci=False,
        is_alone=True,
        only="postgresql",
        share=0.5,
    ),
    Row(
        "F55",
        "all of it, at random",
        everything,
        is_ci=False,
        is_alone=True,
        resolves=False,
    ),
]
