"""What an instance meets in its life: edited, renewed, switched, deleted, and every answer may be lost."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import F

from instances import vault
from instances.models import (
    Finding,
    Instance,
    InstanceStatus,
    OperationKind,
    OperationState,
    Organization,
)
from tests.faults import changing
from tests.faults.case import Case
from tests.faults.changing import Ask
from tests.faults.ground import Ground, Row
from tests.faults.processes import wait_until
from tests.faults.stack import PERIODS

K, S = OperationKind, OperationState
Fate = tuple[str, dict[str, Any]]
# What happens to the request that changes something.
FATES: tuple[Fate, ...] = (
    ("commit then drop", {}),
    ("drop before commit", {}),
    ("status", {"status": 500, "commit": True}),
    ("status", {"status": 503}),
    ("commit then drop", {"reset": True}),
    ("throttle", {"retry_after": "1"}),
    ("latency", {"seconds": 1.5}),
)
DELETION_FATES: tuple[Fate, ...] = (
    ("commit then drop", {}),
    ("drop before commit", {}),
    ("status", {"status": 404}),
    ("status", {"status": 500, "commit": True}),
    ("status", {"status": 409}),
    ("latency", {"seconds": 1.5}),
)
IN_USE = [number for number, fate in enumerate(DELETION_FATES) if fate[1].get("status") == 409]
MOMENT = 60.0
SETTLE = float(PERIODS["ELEMENTDESK_SETTLE_SECONDS"])


def deletions(ground: Ground) -> None:
    """F49: the answer is lost, 404 for what lives, in use; some are undone while they are counted down."""
    made = changing.make(ground, ground.operations)
    undone = made[:: len(DELETION_FATES) + 1]
    left = [one for one in made if one not in undone]
    for number, instance in enumerate(left):
        _strike(ground, instance, DELETION_FATES[number % len(DELETION_FATES)], "DELETE")
    back = changing.delete_and_undo(ground, undone)
    asks = [changing.delete(one) for one in left]
    changing.ask_all(ground, asks)
    changing.wait_for_kind(ground, K.DELETE, len(made))
    changing.settle_changes(ground, asks)
    ground.injected, ground.needed = _struck(ground, "DELETE"), len(left)
    kept = [n for n in range(len(left)) if n % len(DELETION_FATES) in IN_USE]
    ground.expect("what is in use is kept", ground.count(S.REJECTED) == len(kept))
    ground.expect("some were undone", bool(back))
    live = {one["id"]: one for one in ground.account.instances()}
    ground.expect("all else is gone", len(live) == len(kept) + len(back))
    ground.expect(
        "what was undone is enabled", not any(live[one.remote_id or 0]["disabled"] for one in back)
    )


def _strike(ground: Ground, instance: Instance, fate: Fate, method: str, end: str = "") -> None:
    name, options = fate
    path = f"/instances/{instance.remote_id}{end}$"
    ground.account.fault(name, method=method, path=path, **options)


def _struck(ground: Ground, *methods: str) -> int:
    return sum(bool(one.faults) and one.method in methods for one in ground.account.ledger())


def other_account(ground: Ground) -> None:
    """F49w: the secrets open another account before anything is proven: 404 there tells nothing."""
    made = changing.make(ground, ground.operations)
    for instance in made:
        path = f"/instances/{instance.remote_id}$"
        ground.account.fault("status", None, method="DELETE", path=path, status=503)
    asks = [changing.delete(one) for one in made]
    changing.ask_all(ground, asks)
    changing.wait_for_kind(ground, K.DELETE, len(made))
    wait_until(lambda: _struck(ground, "DELETE") >= len(made), MOMENT)
    elsewhere = ground.stack.sandbox.new_account()
    organization = ground.organization()
    Organization.objects.filter(pk=organization.pk).update(
        user_secret=vault.seal(organization, "user_secret", elsewhere.user_secret),
        organization_secret=vault.seal(
            organization, "organization_secret", elsewhere.organization_secret
        ),
    )
    changing.settle_changes(ground, asks)
    ground.injected, ground.needed = ground.count(S.NEEDS_PERSON), len(made)
    gone = Instance.objects.filter(pk__in=[one.pk for one in made], status=InstanceStatus.DELETED)
    ground.expect("none is shown as deleted", not gone.exists())
    heard = {one.path for one in elsewhere.ledger() if one.method != "GET"}
    ground.expect("nothing was sent there", not heard)


def failing_control(ground: Ground) -> None:
    """F49c: not deleted, answer lost, then 404 for what lives, and the question whose it is fails."""
    for _ in range(ground.operations):
        case = ground.new_case()
        ground.submit(1, case)
    ground.settle()
    cases = ground.cases[1:]
    for case in cases:
        _lie_about_deletion(case)
    made = Instance.objects.filter(organization__in=[case.organization_id for case in cases])
    changing.ask_all(ground, [changing.delete(one) for one in made])
    changing.wait_for_kind(ground, K.DELETE, len(cases))
    for case in cases:
        wait_until(partial(_control_failed, case), MOMENT)
        case.account.clear_faults()
    ground.settle()
    twice = [sum(_is_deletion(one) for one in c.account.ledger()) for c in cases]
    ground.injected, ground.needed = sum(map(_control_failed, cases)), len(cases)
    ground.expect("each was asked for once more", set(twice) == {2})
    live = [one for case in ground.cases for one in case.account.instances()]
    ground.expect("all are gone", not live)


def _lie_about_deletion(case: Case) -> None:
    path = f"/instances/{case.account.only_instance()['id']}"
    case.account.fault("drop before commit", method="DELETE", path=f"{path}$")
    case.account.fault("status", method="GET", path=f"{path}$", status=404, behind=f"DELETE {path}")
    # The question that would prove it gone fails, and every one after it, until that is seen.
    control = "/organizations/me"
    case.account.fault("status", None, path=control, status=500, behind=f"GET {path}")


def _control_failed(case: Case) -> bool:
    entries = case.account.ledger()
    return any(one.status == 500 and one.path == "/organizations/me" for one in entries)


def _is_deletion(entry: Any) -> bool:
    return bool(entry.method == "DELETE" and not entry.path.endswith("/enabled"))


def updates(ground: Ground) -> None:
    """F50: answers lost, two people at once, tags edited on the platform meanwhile."""
    made = changing.make(ground, ground.operations)
    for number, instance in enumerate(made):
        _edit_there(ground, instance, keeps_ours=number % 3 > 0)
        _strike(ground, instance, FATES[number % len(FATES)], "PATCH")
    asks = [
        changing.edit(instance, f"{who} {number}", f"{who.lower()} {number}")
        for number, instance in enumerate(made)
        for who in ("Her", "His")
    ]
    changing.ask_all(ground, asks)
    changing.settle_changes(ground, asks)
    ground.injected, ground.needed = _struck(ground, "PATCH"), len(made)
    edits = ground.rows().filter(kind=K.EDIT, state=S.SUCCEEDED)
    ground.expect("each wish was done", edits.count() == len(asks))
    _expect_tags(ground, made)


def late_updates(ground: Ground) -> None:
    """F50l: a request without an answer is carried out late, when somebody wished for more since."""
    made = changing.make(ground, ground.operations)
    for instance in made:
        seconds = ground.chance.uniform(0.5 * SETTLE, 0.9 * SETTLE)
        _strike(ground, instance, ("late commit", {"seconds": seconds, "then": "close"}), "PATCH")
    for who in ("Her", "His"):
        asks = [changing.edit(one, f"{who} {number}") for number, one in enumerate(made)]
        changing.ask_all(ground, asks)
    changing.settle_changes(ground, asks)
    ground.stack.sandbox.settle(SETTLE)
    ground.injected = sum(_came_late(ground, one) for one in made)
    names = {one["name"].split()[0] for one in ground.account.instances()}
    ground.expect("the newest wish is how it is", names == {"His"})


def _came_late(ground: Ground, instance: Instance) -> bool:
    """Tell whether the first wish was carried out once more after it had been, sent again."""
    path = f"/instances/{instance.remote_id}"
    edits = [one for one in ground.account.ledger() if (one.method, one.path) == ("PATCH", path)]
    late = max((deed.time for one in edits if one.faults for deed in one.commits), default=0.0)
    again = [one for one in edits if b"Her" in one.body and not one.faults]
    return any(deed.time < late for one in again for deed in one.commits)


def _edit_there(ground: Ground, instance: Instance, *, keeps_ours: bool) -> None:
    own = [f"{instance.operations.get().tag}"] if keeps_ours else []
    ground.account.change_instance(instance.remote_id or 0, tags=[*own, "theirs"])


def _expect_tags(ground: Ground, made: Sequence[Instance]) -> None:
    shown = {one["id"]: set(one["tags"]) for one in ground.account.instances()}
    for instance in made:
        tag = instance.operations.get(kind=K.CREATE).tag
        tags = shown[instance.remote_id or 0]
        ground.expect("ours and theirs are kept", {tag, "theirs"} <= tags)


def renewals(ground: Ground) -> None:
    """F50r: re-authenticated with the answer lost, and another token afterwards."""
    ground.account.set(reprovision_changes_token=True)
    asks = _renew(ground)
    done = ground.rows().filter(kind=K.REAUTHENTICATE, state=S.SUCCEEDED)
    ground.expect("each wish was done", done.count() == len(asks))


def copies(ground: Ground) -> None:
    """F50c: the platform makes a second instance instead: each is found, and none deleted."""
    ground.account.set(reprovision_makes_copy=True)
    asks = _renew(ground)
    twins = len(ground.account.instances()) - len(asks)
    mine = {"organization_id": ground.case.organization_id}
    Organization.objects.filter(pk=ground.case.organization_id).update(audit_due_at=F("created_at"))
    wait_until(lambda: Finding.objects.filter(**mine).count() >= twins, MOMENT)
    ground.expect("there were second ones", twins >= len(asks))
    ground.expect("each is a finding", Finding.objects.filter(**mine).count() == twins)


def _renew(ground: Ground) -> list[Ask]:
    made = changing.make(ground, ground.operations)
    for number, instance in enumerate(made):
        _strike(ground, instance, FATES[number % len(FATES)], "PATCH")
    asks = [changing.renew(one, ground.account) for one in made]
    changing.ask_all(ground, asks)
    changing.settle_changes(ground, asks)
    ground.injected, ground.needed = _struck(ground, "PATCH"), len(made)
    shown = {one["id"]: one["configuration"]["password"] for one in ground.account.instances()}
    new = ground.account.production.password
    used = all(shown[instance.remote_id or 0] == new for instance in made)
    ground.expect("the new password is in use", used)
    return asks


def switches(ground: Ground) -> None:
    """F50s: disabled, and every second one enabled again, with answers lost each time."""
    made = changing.make(ground, ground.operations)
    _switch(ground, made, K.DISABLE, "DELETE")
    again = made[::2]
    _switch(ground, again, K.ENABLE, "PUT")
    ground.injected = _struck(ground, "DELETE", "PUT")
    ground.needed = len(made) + len(again)
    disabled = sum(one["disabled"] for one in ground.account.instances())
    ground.expect("as many are disabled as were asked for", disabled == len(made) - len(again))


def _switch(ground: Ground, made: Sequence[Instance], kind: OperationKind, method: str) -> None:
    for number, instance in enumerate(made):
        _strike(ground, instance, FATES[number % len(FATES)], method, end="/enabled")
    asks = [changing.switch(one, kind) for one in made]
    changing.ask_all(ground, asks)
    changing.settle_changes(ground, asks)


ROWS = [
    Row("F49", "deleted: answer lost, 404 for what lives, in use, undone", deletions, share=0.7),
    Row(
        "F49w",
        "deleted: the secrets open another account",
        other_account,
        resolves=False,
        share=0.2,
    ),
    Row("F49c", "deleted: 404, and the control call fails", failing_control, share=0.2),
    Row("F50", "edited: answer lost, two at once, tags changed there", updates, share=0.5),
    Row("F50l", "edited: carried out late", late_updates, is_ci=False, share=0.3),
    Row("F50r", "re-authenticated: answer lost, another token", renewals, share=0.3),
    Row(
        "F50c",
        "re-authenticated: a second one is made",
        copies,
        is_ci=False,
        is_late=True,
        share=0.3,
    ),
    Row("F50s", "disabled and enabled: answer lost", switches, share=0.3),
]
