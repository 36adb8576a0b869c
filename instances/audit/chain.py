"""
Seal what was written: each seal covers a batch of entries and the seal before it.

Writers do not wait for each other: an entry carries a mark of its own, and gets its place in the
chain some seconds later, from a worker (decision 0016).
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone

from instances import vault
from instances.audit import marks
from instances.models import AuditEntry, AuditSeal

logger = structlog.get_logger(__name__)

BATCH = 500
ROUND_SECONDS = 1.0
# So long may an entry come after those that were written at the same time.
LATE = timedelta(hours=1)
MOST_GAPS = 100


def seal_new() -> int:
    """Give every new entry its place in the chain, for a second at most; return how many got one."""
    end, total = time.monotonic() + ROUND_SECONDS, 0
    while sealed := _seal_batch():
        total += sealed
        if time.monotonic() > end:
            break
    return total


def _seal_batch() -> int:
    tail = AuditSeal.objects.newest() or _begin()
    rows = _unsealed(tail)
    keys = marks.Keys()
    own = [row for row in rows if _belongs(row, tail, keys)]
    fresh = [row for row in rows if row.pk > tail.last_id]
    for row in set(fresh) - set(own):
        logger.error("audit entry is not of this installation", entry=row.pk)
    if not own and not fresh:
        return 0
    return len(own) if _add(tail, own, max([tail.last_id, *(row.pk for row in fresh)])) else 0


def _begin() -> AuditSeal:
    """Return what stands before the first seal: entries from before there were marks are let in."""
    unmarked = AuditEntry.objects.filter(mac="").aggregate(last=Max("pk"))
    nothing = datetime.fromtimestamp(0, tz=timezone.get_default_timezone())
    return AuditSeal(
        position=0, sealed_at=nothing, until=nothing, last_id=0, legacy_until=unmarked["last"] or 0
    )


def _unsealed(tail: AuditSeal) -> list[AuditEntry]:
    new = AuditEntry.objects.filter(pk__gt=tail.last_id).order_by("pk")[:BATCH]
    within = Q()
    for first, last, _since in tail.gaps:
        within |= Q(pk__range=(first, last))
    late = AuditEntry.objects.filter(within).order_by("pk")[:BATCH] if within else ()
    return [*late, *new]


def _belongs(entry: AuditEntry, tail: AuditSeal, keys: marks.Keys) -> bool:
    """Tell whether this installation wrote the entry, and not so long ago that it is a copy."""
    if not entry.mac:
        return entry.pk <= tail.legacy_until
    return entry.at > tail.until - LATE and marks.is_own(entry, keys)


def _add(tail: AuditSeal, entries: Sequence[AuditEntry], last_id: int) -> bool:
    """Write the next seal; False if another worker wrote it first."""
    entries = sorted(entries, key=lambda entry: entry.pk)
    ring, now = vault.ring(), timezone.now()
    key = vault.audit_key(ring.primary)
    digests = [marks.parts(one.mac)[2] or marks.digest(one, key) for one in entries]
    ids = [entry.pk for entry in entries]
    seal = AuditSeal(
        position=tail.position + 1,
        sealed_at=now,
        until=max([tail.until, *(min(one.at, now) for one in entries)]),
        entries=_ranges(ids),
        marks="".join(each[: marks.SHORT] for each in digests),
        last_id=last_id,
        legacy_until=tail.legacy_until,
        gaps=_gaps(tail, ids, last_id, int(now.timestamp())),
    )
    seal.mac = f"{ring.primary}.{marks.seal_digest(seal, tail.mac, digests, key)}"
    try:
        with transaction.atomic():
            seal.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _gaps(tail: AuditSeal, sealed: Sequence[int], last_id: int, now: int) -> list[list[int]]:
    """Return where entries may still come: ids that were given out, and are in no seal yet."""
    expired = now - LATE.total_seconds()
    old = [gap for gap in tail.gaps if gap[2] > expired]
    first = max(tail.last_id, tail.legacy_until) + 1
    new = [[first, last_id, now]] if last_id >= first else []
    return [part for gap in (*old, *new) for part in _without(gap, sealed)][-MOST_GAPS:]


def _without(gap: list[int], ids: Iterable[int]) -> list[list[int]]:
    first, last, since = gap
    left = []
    for one in (each for each in ids if gap[0] <= each <= last):
        if one > first:
            left.append([first, one - 1, since])
        first = one + 1
    return [*left, [first, last, since]] if first <= last else left


def _ranges(ids: Iterable[int]) -> list[list[int]]:
    """Return ascending ids as pairs of first and last."""
    ranges: list[list[int]] = []
    for one in ids:
        if ranges and ranges[-1][1] == one - 1:
            ranges[-1][1] = one
        else:
            ranges.append([one, one])
    return ranges
