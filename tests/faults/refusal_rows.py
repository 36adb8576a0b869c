"""What must not be done, is not: without the right, without a record, without the key."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from instances.models import (
    AuditEntry,
    Instance,
    Membership,
    Operation,
    OperationSecret,
    OperationState,
)
from tests.faults.case import Case
from tests.faults.driver import NotAcceptedError
from tests.faults.ground import PATIENCE, Ground, Row
from tests.faults.process_rows import DATABASE_AWAY
from tests.faults.processes import ROOT, wait_until
from tests.faults.stack import KEY, worker

S = OperationState
LATENCY = 2.0
# A process that does not start says so within this time, in seconds, however busy the machine is.
START_SECONDS = 120
OTHER_KEY = "Z" * 43 + "="
# What is wrong with each ring, and whose name must be told.
RINGS = {
    "no ring": ("", "ELEMENTDESK_KEYRING"),
    "another key of the name": (f'{{"primary": "f1", "keys": {{"f1": "{OTHER_KEY}"}}}}', "'f1'"),
    "the key is missing": (f'{{"primary": "f2", "keys": {{"f2": "{OTHER_KEY}"}}}}', "'f1'"),
    "a key too short": (f'{{"primary": "f1", "keys": {{"f1": "{KEY[:20]}"}}}}', "'f1'"),
    "no JSON": (KEY, "JSON"),
}


# PostgreSQL says what a full disk would make it say; SQLite has no table to write into.
RECORD_FULL = {
    "postgresql": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the record is full' USING ERRCODE = '53100'; END $$; "
        "CREATE TRIGGER refuse BEFORE INSERT ON instances_auditentry "
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
        "DROP FUNCTION refuse() CASCADE",
    ),
    "sqlite": (
        "ALTER TABLE instances_auditentry RENAME TO away",
        "ALTER TABLE away RENAME TO instances_auditentry",
    ),
}


def lose_the_right(ground: Ground) -> None:
    """F52: the membership ends while requests are queued, on their way, and of unknown outcome."""
    each = max(2, ground.operations // 3)
    queued, sent, unknown = (ground.new_case() for _ in range(3))
    with _no_workers(ground):
        ground.submit(each, queued)
        _leave(queued)
    sent.account.fault("latency", times=None, seconds=LATENCY)
    unknown.account.fault("commit then drop", times=None, method="POST")
    unknown.account.fault("list pages fail", times=None)
    for case, state in ((sent, S.SENDING), (unknown, S.UNKNOWN)):
        ground.submit(each, case)
        met = wait_until(ground.rows(case).filter(state=state).exists, PATIENCE)
        ground.expect(f"{state} was met", met)
        _leave(case)
    unknown.account.clear_faults()
    ground.settle()
    ground.injected, ground.needed = ground.count(S.CANCELED, case=queued), each
    ground.expect("nothing queued was sent", ground.posts(queued) == 0)
    ground.expect("what was sent is told", ground.count(S.SUCCEEDED, case=sent) > 0)
    ground.expect("what is unknown is found", ground.count(S.SUCCEEDED, case=unknown) > 0)
    for case in (queued, sent, unknown):
        ground.expect("no token is shown", not any(_reveals(ground, case)))


def _leave(case: Case) -> None:
    Membership.objects.filter(organization=case.organization_id).delete()


def _reveals(ground: Ground, case: Case) -> Iterator[bool]:
    """Ask for the token of each, and tell whether it came."""
    for accepted in case.accepted[:3]:
        place = f"/instances/{accepted.instance_id}/token/reveal/"
        yield ground.driver.post(place, purpose="reveal").status_code == 200


@contextmanager
def _no_workers(ground: Ground) -> Iterator[None]:
    for process in ground.stack.workers:
        process.stop()
    yield
    for process in ground.stack.workers:
        process.start()


def lose_the_record(ground: Ground) -> None:
    """F53: nothing can be written into the record: nothing is revealed, taken up or ended."""
    ground.expected_tracebacks += [*DATABASE_AWAY, "DiskFull"]
    ground.submit(2)
    ground.settle()
    ground.account.fault("latency", times=None, seconds=LATENCY)
    ground.submit(ground.operations)
    before = AuditEntry.objects.count()
    with _record_away():
        revealed = list(_reveals(ground, ground.case))
        ground.injected, ground.needed = len(revealed), 2
        ground.expect("nothing was revealed", not any(revealed))
        ground.expect("nothing was taken up", not _is_taken(ground))
        done = ground.count(S.SUCCEEDED)
        wait_until(lambda: ground.count(S.SUCCEEDED) > done, 2 * LATENCY)
        ground.expect("nothing was ended", ground.count(S.SUCCEEDED) == done)
    ground.driver.forget()
    ground.settle()
    ground.expect("all active", ground.count(S.SUCCEEDED) == ground.rows().count())
    ground.expect("the record goes on", AuditEntry.objects.count() > before)
    ground.expect("all revealed again", all(_reveals(ground, ground.case)))


def _is_taken(ground: Ground) -> bool:
    try:
        ground.driver.submit_once(ground.wish(name="Without a record"))
    except NotAcceptedError:
        return False
    return True


@contextmanager
def _record_away() -> Iterator[None]:
    spoil, mend = RECORD_FULL[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(spoil)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(mend)


def damage_what_is_sealed(ground: Ground) -> None:
    """F43: one sealed value is damaged, two are swapped: those wait for a person, the others go on."""
    with _no_workers(ground):
        ground.submit(max(6, ground.operations))
        damaged, first, second = ground.rows().order_by("pk")[:3]
        spoiled = _sealed(damaged)
        middle = len(spoiled) // 2
        letter = "A" if spoiled[middle] != "A" else "B"
        _store(damaged, spoiled[:middle] + letter + spoiled[middle + 1 :])
        one, other = _sealed(first), _sealed(second)
        _store(first, other)
        _store(second, one)
        stored = {each.pk: _sealed(each) for each in (damaged, first, second)}
    ground.settle()
    stopped = ground.rows().filter(state=S.NEEDS_PERSON, problem="unreadable")
    ground.injected, ground.needed = stopped.filter(pk__in=stored).count(), 3
    others = ground.rows().exclude(pk__in=stored)
    ground.expect("the others are active", others.count() == ground.count(S.SUCCEEDED))
    ground.expect("nothing was sent for them", ground.posts() == others.count())
    ground.expect("nothing was overwritten", {each.pk: _sealed(each) for each in stopped} == stored)


def _sealed(operation: Operation) -> str:
    return OperationSecret.objects.get(operation=operation).sealed


def _store(operation: Operation, sealed: str) -> None:
    OperationSecret.objects.filter(operation=operation).update(sealed=sealed)


def start_without_the_key(ground: Ground) -> None:
    """F41: web and worker with each wrong key ring end at once, say which key, and do nothing."""
    ground.submit(2)
    ground.settle()
    calls, rows = len(ground.account.ledger()), _rows_now()
    ground.stack.web.stop()
    try:
        for what, (ring, told) in RINGS.items():
            for command in (worker(9), ground.stack.web_command()):
                code, said = _started(ground, command, ring)
                ground.expect(f"{what}: it does not start", code != 0)
                ground.expect(f"{what}: it says what is wrong", told in said)
                ground.injected += 1
    finally:
        ground.stack.web.start()
        ground.stack.wait_for_web()
    ground.needed = 2 * len(RINGS)
    ground.expect("nothing was asked", len(ground.account.ledger()) == calls)
    ground.expect("no row has changed", _rows_now() == rows)


def _rows_now() -> list[object]:
    operations = Operation.objects.order_by("pk").values_list("pk", "state", "lease_epoch")
    return [list(operations), list(Instance.objects.order_by("pk").values_list("pk", "token"))]


def _started(ground: Ground, command: list[str], ring: str) -> tuple[int, str]:
    changes = {"ELEMENTDESK_KEYRING": ring, "ELEMENTDESK_KEYRING_FILE": ""}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=ground.stack.environment | changes,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


ROWS = [
    Row("F41", "web and worker start with a wrong key ring", start_without_the_key, is_alone=True),
    Row(
        "F43",
        "a sealed value damaged, two swapped",
        damage_what_is_sealed,
        is_alone=True,
        resolves=False,
        share=0.3,
    ),
    Row("F52", "the right lost while queued, sent, unknown", lose_the_right, is_alone=True),
    Row("F53", "nothing can be written into the record", lose_the_record, is_alone=True, share=0.3),
]
