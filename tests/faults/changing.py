"""Changes as a person asks for them: opens the page of one, fills it in, sends it until it is taken."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import requests
from django.db import DatabaseError, connection

from instances import zuora
from instances.models import FINAL, Instance, Operation, OperationKind, OperationState
from sandbox.running import Account
from tests.faults.case import Case
from tests.faults.changes_of import Asked
from tests.faults.driver import NotAcceptedError
from tests.faults.ground import Ground
from tests.faults.pages import fields_of
from tests.faults.processes import wait_until

K = OperationKind
PATHS = {
    K.EDIT: "edit",
    K.REAUTHENTICATE: "re-authenticate",
    K.DISABLE: "disable",
    K.ENABLE: "enable",
    K.DELETE: "delete",
}
REASON = "The campaign wishes it."
PERSISTENCE = 120.0
HANDS = 8


@dataclass(frozen=True)
class Ask:
    """One change of one instance, and what is typed for it."""

    kind: OperationKind
    instance_id: UUID
    typed: dict[str, str] = field(default_factory=dict)
    # What is ticked on the page and is not to be.
    unticked: str = ""
    # What is written behind the tags that the page shows.
    one_more_tag: str = ""


def make(ground: Ground, number: int) -> list[Instance]:
    """Ask for so many instances, wait for all, and return them."""
    ground.submit(number)
    ground.settle()
    rows = Instance.objects.filter(organization_id=ground.case.organization_id)
    made = list(rows.exclude(remote_id=None).order_by("pk"))
    ground.expect("all made", len(made) == number)
    return made


def edit(instance: Instance, name: str, tag: str = "") -> Ask:
    """Return the wish for another name, and for one tag more."""
    return Ask(K.EDIT, instance.pk, {"name": name}, one_more_tag=tag)


def renew(instance: Instance, account: Account) -> Ask:
    """Return the wish for the credentials of the provider's other system."""
    other = account.production
    typed = {"entry.username": other.username, "entry.password": other.password}
    return Ask(K.REAUTHENTICATE, instance.pk, typed, unticked=f"entry.{zuora.SANDBOX_ENTRY}")


def switch(instance: Instance, kind: OperationKind) -> Ask:
    """Return the wish to disable or to enable it."""
    return Ask(kind, instance.pk, {"reason": REASON})


def delete(instance: Instance) -> Ask:
    """Return the wish to delete it."""
    return Ask(K.DELETE, instance.pk, {"typed_name": str(instance.remote_id), "reason": REASON})


def ask_all(ground: Ground, asks: Sequence[Ask]) -> None:
    """Ask for all of them, several at once."""
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(lambda one: ask(ground, one), asks))


def ask(ground: Ground, wish: Ask) -> None:
    """
    Ask until the server has taken it, as a person does who sees "one change at a time".

    What was taken although its answer was lost shows on the instance's page: it is not asked for twice.

    :raises NotAcceptedError: it did not within two minutes.
    """
    end, before = time.monotonic() + PERSISTENCE, _count(wish)
    try:
        while time.monotonic() < end:
            if _sent(ground, wish) or _count(wish) > before:
                _case(ground, wish).asked.append(Asked(wish.kind, wish.instance_id))
                return
            time.sleep(0.2)
    finally:
        connection.close()
    raise NotAcceptedError(f"{wish.kind} of {wish.instance_id}")


def _case(ground: Ground, wish: Ask) -> Case:
    organization = Instance.objects.get(pk=wish.instance_id).organization_id
    return next(case for case in ground.cases if case.organization_id == organization)


def _count(wish: Ask) -> int:
    about = Operation.objects.filter(instance_id=wish.instance_id)
    if wish.kind == K.EDIT:
        # Somebody else may edit it at the same time.
        about = about.filter(payload__name=wish.typed["name"])
    # A deletion begins with the disabling of what is enabled.
    kinds = (K.DELETE, K.DISABLE) if wish.kind == K.DELETE else (wish.kind,)
    try:
        return about.filter(kind__in=kinds).count()
    except DatabaseError:
        connection.close()
        return 0


def _sent(ground: Ground, wish: Ask) -> bool:
    """Open the page, fill it in and send it; True if the answer leads to the instance."""
    path = f"/instances/{wish.instance_id}/{PATHS[wish.kind]}/"
    with suppress(requests.RequestException, NotAcceptedError):
        page = ground.driver.get(path)
        if page.status_code != 200:
            return False
        answer = ground.driver.post(path, **_filled(page.text, wish))
        if answer.status_code == 200:
            answer = ground.driver.post(path, **_filled(answer.text, wish))
        return answer.status_code == 302
    ground.driver.forget()
    return False


def _filled(page: str, wish: Ask) -> dict[str, str]:
    fields = {**fields_of(page), **wish.typed}
    if wish.one_more_tag:
        fields["tags"] = f"{fields['tags']}, {wish.one_more_tag}"
    left_out = ("csrfmiddlewaretoken", wish.unticked)
    return {name: value for name, value in fields.items() if name not in left_out}


def settle_changes(ground: Ground, asks: Sequence[Ask]) -> None:
    """Wait until no change moves; what a deletion begins with is followed by the deletion."""
    ground.settle()
    ground.expect("all were taken", sum(len(case.asked) for case in ground.cases) >= len(asks))


def wait_for_kind(ground: Ground, kind: OperationKind, number: int) -> list[Operation]:
    """Wait until so many operations of a kind are there; return them."""
    rows = ground.rows().filter(kind=kind)
    wait_until(lambda: rows.count() >= number, PERSISTENCE)
    return list(rows.select_related("instance").order_by("pk"))


def delete_and_undo(ground: Ground, made: Sequence[Instance]) -> list[Instance]:
    """Ask for the deletion of each, undo it as soon as it is planned; return what was not too late."""

    def one(instance: Instance) -> bool:
        ask(ground, delete(instance))
        return undo(ground, instance)

    with ThreadPoolExecutor(HANDS) as hands:
        undone = list(hands.map(one, made))
    return [one for one, is_undone in zip(made, undone, strict=True) if is_undone]


def undo(ground: Ground, instance: Instance) -> bool:
    """Press Undo until it is heard; return whether the deletion was undone."""
    place = f"/instances/{instance.pk}/"
    rows = Operation.objects.filter(instance=instance, kind=K.DELETE)

    def press() -> bool:
        with suppress(requests.RequestException, NotAcceptedError):
            ground.driver.post(f"{place}delete/undo/")
        return not rows.exclude(state__in=FINAL).exists()

    try:
        wait_until(rows.exists, PERSISTENCE)
        wait_until(press, PERSISTENCE, 0.3)
        return rows.filter(state=OperationState.CANCELED).exists()
    finally:
        connection.close()
