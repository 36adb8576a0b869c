"""Compare the platform's list with what is known here, page by page; nothing is changed there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from instances import audit
from instances.cloud_elements import FoundInstance
from instances.engine import known_here
from instances.engine.standing import Differing, Known, Told, is_same, judge, since
from instances.models import (
    AuditEntry,
    Instance,
    InstanceStatus,
    ListedInstance,
    Organization,
    Synchronization,
    among,
    new_id,
    upsert,
)

LINES_AT_ONCE = 1_000
ROWS_AT_ONCE = 500


class CanceledError(Exception):
    """An admin asked that the walk end."""


@dataclass(frozen=True)
class Comparison:
    """One walk through the list of one account; `began` is the database's time at its beginning."""

    organization: Organization
    began: datetime

    def begin(self) -> None:
        """
        Show that it runs.

        :raises CanceledError: a walk that a worker did not finish was canceled meanwhile.
        """
        if self._row.filter(ended_at=None, cancel_asked_at__isnull=False).exists():
            raise CanceledError
        anew = {"ended_at": None, "cancel_asked_at": None, "problem": "", "pages": 0, "listed": 0}
        Synchronization.objects.update_or_create(
            organization=self.organization, defaults={"began_at": self.began, **anew}
        )

    def take_in(self, lines: Sequence[FoundInstance], *, pages: int = 1) -> None:
        """
        Write down one page of the list, or some, and how each line stands to what is known here.

        :raises CanceledError: an admin asked that the walk end.
        """
        for start in range(0, len(lines), LINES_AT_ONCE):
            self._write(lines[start : start + LINES_AT_ONCE])
        going_on = self._row.filter(cancel_asked_at=None)
        if not going_on.update(pages=F("pages") + pages, listed=F("listed") + len(lines)):
            raise CanceledError

    @property
    def _row(self) -> QuerySet[Synchronization]:
        return Synchronization.objects.filter(organization=self.organization)

    def complete(self) -> None:
        """Conclude from the whole list what is not there any more, and what is back."""
        last_seen = self._lines().values("last_seen_at")[:1]
        for gone in _in_parts(self._missing()):
            changes = {"missing_since": Now(), "last_listed_at": Subquery(last_seen)}
            self._mark(gone, "instance.missing", **changes)
        for back in _in_parts(self._back()):
            self._mark(back, "instance.back", missing_since=None)
        mine = ListedInstance.objects.filter(organization=self.organization)
        mine.filter(last_seen_at__lt=self.began).delete()
        self._row.update(ended_at=Now(), completed_at=Now(), expected=F("listed"))

    def _write(self, page: Sequence[FoundInstance]) -> None:
        lines = {found.remote_id: found for found in page}
        known = self._mine(lines).values_list(*Known._fields)
        before = {row.remote_id: row for row in map(Known._make, known)}
        here = known_here.of(self.organization, page, before)
        told = {
            number: judge(found, here.get(number), before.get(number))
            for number, found in lines.items()
        }
        were = self._differing([number for number, one in told.items() if one.differences])
        same = {
            number
            for number, one in told.items()
            if is_same(one, before.get(number), were.get(number))
        }
        # No transaction: a line needs no other, and a walk that breaks off begins again.
        if same:
            self._mine(same).update(last_seen_at=self.began)
        upsert.write(
            self._line(found, told[number], were.get(number))
            for number, found in lines.items()
            if number not in same
        )

    def _mine(self, numbers: Iterable[int]) -> QuerySet[ListedInstance]:
        return ListedInstance.objects.filter(
            organization=self.organization, remote_id__among=among(numbers)
        )

    def _differing(self, numbers: Sequence[int]) -> dict[int, Differing]:
        """Return what was written down of these, as far as they were known."""
        if not numbers:
            return {}
        rows = self._mine(numbers).values_list(*Differing._fields)
        return {row.remote_id: row for row in map(Differing._make, rows)}

    def _line(self, found: FoundInstance, told: Told, was: Differing | None) -> dict[str, object]:
        """Return the line by its columns; what is there already keeps its id and its beginning."""
        return {
            "id": new_id(),
            "organization_id": self.organization.pk,
            "remote_id": found.remote_id,
            "name": found.name,
            "element_key": found.element_key[:100],
            "tags": found.tags,
            "is_valid": found.is_valid,
            "is_disabled": found.is_disabled,
            "has_events": found.has_events,
            "remote_created_at": found.remote_created_at,
            "digest": told.digest,
            "instance_id": told.instance,
            "standing": told.standing,
            "differences": told.differences,
            "entries": told.entries,
            "first_seen_at": self.began,
            "last_seen_at": self.began,
            **since(told, was, self.began),
        }

    def _missing(self) -> QuerySet[Instance]:
        """Those that were ready before the walk began, and that the whole list did not show."""
        ready = _of(self.organization).filter(
            status=InstanceStatus.ACTIVE, missing_since=None, settled_at__lt=self.began
        )
        return ready.exclude(Exists(self._shown()))

    def _back(self) -> QuerySet[Instance]:
        missed = _of(self.organization).filter(missing_since__isnull=False)
        return missed.filter(Exists(self._shown()))

    def _lines(self) -> QuerySet[ListedInstance]:
        return ListedInstance.objects.filter(
            organization=self.organization, remote_id=OuterRef("remote_id")
        )

    def _shown(self) -> QuerySet[ListedInstance]:
        return self._lines().filter(last_seen_at__gte=self.began)

    def _mark(self, instances: list[Instance], action: str, **changes: object) -> None:
        with transaction.atomic():
            rows = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
            rows.update(**changes)
            AuditEntry.objects.bulk_create(
                audit.entry(None, action, instance, remote_id=instance.remote_id)
                for instance in instances
            )


def stop(organization: Organization, reason: str) -> None:
    """Show that the walk ended before the list did, and why."""
    running = Synchronization.objects.filter(organization=organization, ended_at=None)
    running.update(ended_at=Now(), problem=reason[:300])


def _of(organization: Organization) -> QuerySet[Instance]:
    # Where the platform did not tell its id of the account, the origin alone stood for it.
    return Instance.objects.filter(
        organization=organization, account__in=[organization.account, organization.origin]
    )


def _in_parts(rows: QuerySet[Instance]) -> Iterator[list[Instance]]:
    """Return some rows after the others, each part behind the last one of the part before."""
    ordered = rows.only("pk", "name", "remote_id").order_by("pk")
    found = list(ordered[:ROWS_AT_ONCE])
    while found:
        yield found
        found = list(ordered.filter(pk__gt=found[-1].pk)[:ROWS_AT_ONCE])
