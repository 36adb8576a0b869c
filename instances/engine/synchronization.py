"""Compare the platform's list with what is known here, page by page; nothing is changed there."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from instances import audit, tags
from instances.cloud_elements import FoundInstance
from instances.models import (
    AuditEntry,
    Instance,
    InstanceStatus,
    ListedInstance,
    Organization,
    Standing,
    Synchronization,
    adoptions_under_way,
    new_id,
)

ROWS_AT_ONCE = 500
WRITTEN = [
    "name",
    "element_key",
    "tags",
    "is_valid",
    "is_disabled",
    "remote_created_at",
    "digest",
    "instance",
    "standing",
    "differences",
    "last_seen_at",
]


class Told(NamedTuple):
    """What a line says and means; a row that says the same is only seen again."""

    digest: str
    standing: str
    differences: list[str]
    instance: UUID | None


class Known(NamedTuple):
    """A line as it was written down before."""

    remote_id: int
    id: UUID
    digest: str
    standing: str
    differences: list[str]
    instance: UUID | None
    ignored_digest: str
    first_seen_at: datetime

    @property
    def told(self) -> Told:
        return Told(self.digest, self.standing, self.differences, self.instance)


@dataclass(frozen=True)
class Comparison:
    """One walk through the list of one account; `began` is the database's time at its beginning."""

    organization: Organization
    began: datetime

    def begin(self) -> None:
        """Show that it runs."""
        Synchronization.objects.update_or_create(
            organization=self.organization,
            defaults={
                "began_at": self.began,
                "ended_at": None,
                "problem": "",
                "pages": 0,
                "listed": 0,
            },
        )

    def take_in(self, page: Sequence[FoundInstance]) -> None:
        """Write down one page of the list, and how each line stands to what is known here."""
        for start in range(0, len(page), ROWS_AT_ONCE):
            self._write(page[start : start + ROWS_AT_ONCE])
        rows = Synchronization.objects.filter(organization=self.organization)
        rows.update(pages=F("pages") + 1, listed=F("listed") + len(page))

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
        rows = Synchronization.objects.filter(organization=self.organization)
        rows.update(ended_at=Now(), completed_at=Now(), expected=F("listed"))

    def _write(self, page: Sequence[FoundInstance]) -> None:
        lines = {found.remote_id: found for found in page}
        mine = ListedInstance.objects.filter(organization=self.organization)
        known = mine.filter(remote_id__in=lines).values_list(*Known._fields)
        before = {row.remote_id: row for row in map(Known._make, known)}
        here = {one.remote_id: one for one in _here(self.organization, list(lines))}
        here |= self._coming(row for row in before.values() if row.remote_id not in here)
        same, other = [], []
        for number, found in lines.items():
            was, told = before.get(number), _told(found, here.get(number), before.get(number))
            if was is not None and was.told == told:
                same.append(was.id)
            else:
                other.append(self._row(found, here.get(number), was, told))
        with transaction.atomic():
            ListedInstance.objects.filter(pk__in=same).update(last_seen_at=self.began)
            ListedInstance.objects.bulk_create(
                other,
                update_conflicts=True,
                unique_fields=["organization", "remote_id"],
                update_fields=WRITTEN,
            )

    def _coming(self, lines: Iterable[Known]) -> dict[int | None, Instance]:
        """Return what is being adopted: its row has no number yet, and its line is taken."""
        numbers = [line.remote_id for line in lines if line.instance is not None]
        if not numbers:
            return {}
        rows = adoptions_under_way(self.organization).filter(remote_id__in=numbers)
        return {one.remote_id: one.made for one in rows.select_related("instance")}

    def _row(
        self, found: FoundInstance, here: Instance | None, before: Known | None, told: Told
    ) -> ListedInstance:
        return ListedInstance(
            id=before.id if before else new_id(),
            organization=self.organization,
            remote_id=found.remote_id,
            name=found.name,
            element_key=found.element_key[:100],
            tags=list(found.tags),
            is_valid=found.is_valid,
            is_disabled=found.is_disabled,
            remote_created_at=found.remote_created_at,
            digest=told.digest,
            instance=here,
            standing=told.standing,
            differences=told.differences,
            ignored_digest=before.ignored_digest if before else "",
            first_seen_at=before.first_seen_at if before else self.began,
            last_seen_at=self.began,
        )

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


def digest_of(found: FoundInstance) -> str:
    """Return SHA-256, in hex, of what a line tells, in one canonical form."""
    told = [found.name, found.element_key, sorted(found.tags), found.is_valid, found.is_disabled]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def differences(instance: Instance, found: FoundInstance) -> list[str]:
    """Name what of `instance` differs from what the list tells; what it does not tell does not."""
    differing = []
    if found.name and found.name != instance.name:
        differing.append("name")
    if set(found.tags) != set(instance.tag_names):
        differing.append("tags")
    if found.is_disabled is not None and found.is_disabled != bool(instance.is_disabled):
        differing.append("disabled")
    return differing


def _standing(
    found: FoundInstance,
    here: Instance | None,
    differing: list[str],
    *,
    is_ignored: bool,
    is_pushed: bool,
) -> Standing:
    if here is None and any(map(tags.is_genuine, found.tags)):
        return Standing.TAGGED
    # What is being changed or deleted here differs for a while, and then no more.
    is_ready = here is not None and here.status == InstanceStatus.ACTIVE
    if here is not None and not (differing and is_ready):
        return Standing.PUSHED if is_pushed and not is_ready else Standing.MATCHES
    if is_ignored:
        return Standing.IGNORED
    return Standing.CHANGED if here else Standing.ONLY_THERE


def _told(found: FoundInstance, here: Instance | None, before: Known | None) -> Told:
    digest = digest_of(found)
    differing = differences(here, found) if here else []
    is_ignored = before is not None and digest == before.ignored_digest
    is_pushed = before is not None and before.standing == Standing.PUSHED
    standing = _standing(found, here, differing, is_ignored=is_ignored, is_pushed=is_pushed)
    return Told(digest, standing.value, differing, here.pk if here else None)


def _of(organization: Organization) -> QuerySet[Instance]:
    # Where the platform did not tell its id of the account, the origin alone stood for it.
    return Instance.objects.filter(
        organization=organization, account__in=[organization.account, organization.origin]
    )


def _here(organization: Organization, remote_ids: Sequence[int]) -> QuerySet[Instance]:
    """Return rows of the account, whichever organization they belong to."""
    rows = Instance.objects.filter(
        account__in=[organization.account, organization.origin], remote_id__in=remote_ids
    )
    return rows.exclude(status=InstanceStatus.DELETED).prefetch_related("tags")


def _in_parts(rows: QuerySet[Instance]) -> Iterator[list[Instance]]:
    """Return some rows after the others, each part behind the last one of the part before."""
    ordered = rows.only("pk", "name", "remote_id").order_by("pk")
    found = list(ordered[:ROWS_AT_ONCE])
    while found:
        yield found
        found = list(ordered.filter(pk__gt=found[-1].pk)[:ROWS_AT_ONCE])
