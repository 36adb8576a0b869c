"""What carries our tag and is nobody's here becomes a finding, once, and nothing is deleted: what its tests share."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from instances import tags, vault
from instances.cloud_elements import FoundInstance
from instances.engine import drain, searching
from instances.engine.claims import lease
from instances.models import (
    Attempt,
    AttemptOutcome,
    Evidence,
    EvidenceKind,
    Instance,
    Operation,
    OperationState,
    Organization,
)
from sandbox.running import Account
from tests.states import TOKEN

Ask = Callable[..., Instance]


DAY = timedelta(days=1)


def work() -> None:
    for operation in Operation.objects.claim(worker="test", limit=10, lease=lease()):
        drain.work_on(operation)


def search_all() -> None:
    """Search every account now, as the sweep does when it is due."""
    Organization.objects.update(audit_due_at=Now())
    searching.run()


def foreign_tag() -> str:
    """Return a tag that this installation gave for a request which is not known here."""
    return tags.tag_for(Operation(pk=uuid.uuid4()))


def plant(account: Account, tag: str, name: str = "stray") -> int:
    return int(account.add_instance(element="zuorav2", name=name, tags=["x", tag])["id"])


def posts(account: Account) -> int:
    return len([entry for entry in account.ledger() if entry.method != "GET"])


def see(operation: Operation, remote_id: int) -> Evidence:
    """Write down that the platform answered with `remote_id`, after all."""
    attempt = Attempt.objects.create(
        operation=operation,
        number=operation.attempts.count() + 1,
        epoch=1,
        origin=operation.organization.origin,
        secrets_version=1,
        deadline_at=timezone.now(),
        outcome=AttemptOutcome.PROVEN_ABSENT,
    )
    seen = Evidence(attempt=attempt, kind=EvidenceKind.ANSWER, remote_id=remote_id)
    seen.token = vault.seal(seen, "token", TOKEN)
    seen.save(force_insert=True)
    return seen


def put_in_state_without_attempt(instance: Instance, state: OperationState) -> None:
    instance.operations.update(state=state, finished_at=Now())


class EndlessAccount:
    """A platform client of which only the pages matter; each is made when it is asked for."""

    pages = 0

    def identify(self) -> str:
        return "9"

    def pages_of_instances(self) -> Iterator[list[FoundInstance]]:
        while self.pages < 500:
            self.pages += 1
            yield [
                FoundInstance(
                    remote_id=self.pages * 200 + line,
                    token=None,
                    name="n" * 200,
                    element_key="zuorav2",
                    tags=("a" * 50,),
                    remote_created_at=None,
                )
                for line in range(200)
            ]


def due(organization: Organization) -> datetime:
    organization.refresh_from_db()
    return organization.audit_due_at


def is_about(moment: datetime, pause: timedelta) -> bool:
    return abs(moment - timezone.now() - pause) < timedelta(seconds=30)
