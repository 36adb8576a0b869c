"""Where one row of the campaign happens: an account and an organization of its own, and counts."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet

from instances.models import Membership, Operation, OperationState, Organization, Role
from instances.models.states import FINAL
from instances.operations import SecretPair, create_organization
from instances.secret import Secret
from sandbox.running import Account
from tests.faults.case import Case
from tests.faults.driver import PASSWORD, Driver, Wish
from tests.faults.processes import wait_until
from tests.faults.stack import Stack

USERNAME = "driver"
AT_ONCE = 16
PATIENCE = 300.0
# Rows that run together share the workers, and on SQLite one lock.
PATIENCE_EACH = 2.0
# Rows that a crash may leave for a person, and states in which nothing more happens by itself.
AT_REST = (*FINAL, OperationState.NEEDS_PERSON)
_making = threading.Lock()


class NotHereError(Exception):
    """This machine cannot do what a row needs; the text says what that is."""


@dataclass(frozen=True)
class Row:
    """One fault of the campaign."""

    id: str
    fault: str
    run: Callable[["Ground"], None]
    is_ci: bool = True
    # Whether it disturbs processes that all rows share, and so must be alone.
    is_alone: bool = False
    # Whether it leaves the processes otherwise than it found them, so that nothing comes after it.
    is_last: bool = False
    resolves: bool = True
    lies: bool = False
    is_late: bool = False
    # How many operations it takes, as a share of the number asked for.
    share: float = 1.0
    # Why it does not happen on this database.
    only: str = ""


@dataclass
class Ground:
    """What one row works with, and what it found out."""

    row: Row
    stack: Stack
    driver: Driver
    chance: random.Random
    operations: int
    cases: list[Case] = field(default_factory=list)
    injected: int = 0
    needed: int = 1
    extras: dict[str, bool] = field(default_factory=dict)
    expected_tracebacks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""
    # Why it did not happen on this machine: then it has not passed.
    not_run: str = ""

    def __post_init__(self) -> None:
        self.case = self.new_case()

    @property
    def account(self) -> Account:
        """The first case's account."""
        return self.case.account

    def new_case(self, base_url: str = "") -> Case:
        """Make another account and organization for this row, reached at its own address if one is given."""
        account = self.stack.sandbox.new_account()
        with _making:
            organization = create_organization(
                actor=None,
                name=f"{self.row.id} {account.id}",
                base_url=base_url or self.stack.sandbox.base_url,
                secrets=SecretPair(
                    Secret(account.user_secret), Secret(account.organization_secret)
                ),
            )
            Organization.objects.filter(pk=organization.pk).update(calls_in_flight=AT_ONCE)
            user = User.objects.get(username=USERNAME)
            Membership.objects.create(user=user, organization=organization, role=Role.ADMIN)
        case = Case(
            self.row.id,
            organization.pk,
            account,
            resolves=self.row.resolves,
            lies=self.row.lies,
            is_late=self.row.is_late,
        )
        self.cases.append(case)
        return case

    def wish(self, case: Case | None = None, **changes: Any) -> Wish:
        """Return one request as a person would type it."""
        case = case or self.case
        return Wish(case.organization_id, case.account, **changes)

    def submit(self, number: int, case: Case | None = None, **changes: object) -> None:
        """Ask for so many instances over HTTP, and remember what was accepted."""
        case = case or self.case
        wishes = [self.wish(case, name=f"{self.row.id} {n}", **changes) for n in range(number)]
        case.accepted += self.driver.submit_many(wishes)

    def in_background(
        self, number: int, seconds: float, case: Case | None = None
    ) -> threading.Thread:
        """Submit evenly over a time while something else happens; join it to have all accepted."""
        passed = (number, seconds, case or self.case)
        thread = threading.Thread(target=self._stream, args=passed, daemon=True)
        thread.start()
        return thread

    def _stream(self, number: int, seconds: float, case: Case) -> None:
        under_way = []
        for one in range(number):
            wish = self.wish(case, name=f"{self.row.id} {one}")
            under_way.append(self.driver.submit_later(wish))
            time.sleep(seconds / number)
        case.accepted += [each.result() for each in under_way]

    def rows(self, case: Case | None = None) -> QuerySet[Operation]:
        """The operations of one case, or of all."""
        ids = [one.organization_id for one in ([case] if case else self.cases)]
        return Operation.objects.filter(organization_id__in=ids)

    def settle(self, seconds: float = 0) -> float:
        """Wait until nothing of this row moves by itself, the longer the more it has; return how long."""
        began, seconds = time.monotonic(), seconds or PATIENCE + PATIENCE_EACH * self.operations
        self.extras["came to rest"] = wait_until(self._is_at_rest, seconds, 0.3)
        return time.monotonic() - began

    def _is_at_rest(self) -> bool:
        try:
            return not self.rows().exclude(state__in=AT_REST).exists()
        except Exception as error:
            # The database may be away, which is what some rows are about.
            self.note = f"{type(error).__name__} while waiting"
            connection.close()
            return False

    def count(self, *states: str, case: Case | None = None) -> int:
        """Return how many operations stand in one of these states."""
        return self.rows(case).filter(state__in=states).count()

    def struck(self, name: str, case: Case | None = None) -> int:
        """Return how many requests the ledger says a fault of that name met."""
        entries = (case or self.case).account.ledger()
        return sum(any(fault.startswith(name) for fault in entry.faults) for entry in entries)

    def posts(self, case: Case | None = None) -> int:
        """Return how many requests to create reached the platform."""
        return sum(entry.method == "POST" for entry in (case or self.case).account.ledger())

    def expect(self, what: str, truth: bool) -> None:
        """Record an extra condition of this row."""
        self.extras[what] = truth and self.extras.get(what, True)

    def fault_each(
        self, name: str, options: Sequence[dict[str, Any]], case: Case | None = None
    ) -> None:
        """Let one wish's first request after the other meet this fault, with options of its own."""
        for each in options:
            (case or self.case).account.fault(name, first_only=True, **each)

    def organization(self, case: Case | None = None) -> Organization:
        """Return the organization as it stands now."""
        return Organization.objects.get(pk=(case or self.case).organization_id)


def make_driver_user() -> None:
    """Make the person in whose name everything is asked for."""
    User.objects.create_user(USERNAME, password=PASSWORD)
