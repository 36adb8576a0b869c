"""Read the whole record again: what was changed, removed, put in, moved or cut off is named."""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from instances import vault
from instances.audit import marks
from instances.audit.chain import LATE
from instances.audit.heads import Head
from instances.models import AuditEntry, AuditSeal


@dataclass
class Report:
    """What was found; without problems everything stands as it was written."""

    entries: int = 0
    seals: int = 0
    # Written, and not in the chain yet.
    waiting: int = 0
    head: Head | None = None
    problems: list[str] = field(default_factory=list)


def verify(heads: Sequence[Head] = ()) -> Report:
    """Verify every seal and entry, and that the chain still holds the given heads."""
    walk = _Walk(heads)
    for seal in AuditSeal.objects.order_by("position").iterator(chunk_size=100):
        walk.take(seal)
    walk.end()
    return walk.report


class _Walk:
    """One way through the chain, from its beginning; memory hardly grows with it."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self.report = Report()
        self._keys = marks.Keys()
        self._heads = {head.position: head for head in heads}
        self._tail = AuditSeal(position=0, last_id=0)
        self._ranges: list[list[int]] = []
        # Neighbors are joined when there are twice as many as last time, so that it stays quick.
        self._enough = 1000
        # Marks of the last hours, by which a copy of another entry is known.
        self._seen: dict[str, tuple[datetime, int]] = {}

    def take(self, seal: AuditSeal) -> None:
        """Verify one seal with its entries."""
        problems = self._out_of_line(seal)
        there = AuditEntry.objects.in_bulk(list(_ids(seal)))
        for entry_id, short in zip(_ids(seal), _shorts(seal), strict=False):
            problems += self._wrong_with(there.get(entry_id), entry_id, short, seal)
        if not problems and not self._is_whole(seal, list(there.values())):
            first = f"; its entries begin with {seal.entries[0][0]}" if seal.entries else ""
            problems.append(f"Seal {seal.position} was changed{first}.")
        self.report.problems += problems
        self._go_on(seal, len(there))

    def _out_of_line(self, seal: AuditSeal) -> list[str]:
        expected = self._tail.position + 1
        if seal.position != expected:
            return [f"Seal {expected} is missing."]
        head = self._heads.pop(seal.position, None)
        if head is not None and not hmac.compare_digest(head.mac, seal.mac):
            return [
                f"Seal {seal.position} is not the one that was the head once: it was rewritten."
            ]
        return []

    def _wrong_with(
        self, entry: AuditEntry | None, entry_id: int, short: str, seal: AuditSeal
    ) -> list[str]:
        if entry is None:
            return [f"Entry {entry_id} is missing."]
        if not self._is_unchanged(entry, seal):
            return [f"Entry {entry_id} was changed."]
        if not self._digest(entry, seal).startswith(short):
            return [f"Entry {entry_id} is not the one that was sealed in its place."]
        first = self._seen.setdefault(entry.mac, (entry.at, entry_id))[1] if entry.mac else entry_id
        return [f"Entry {entry_id} is a copy of entry {first}."] if first != entry_id else []

    def _is_unchanged(self, entry: AuditEntry, seal: AuditSeal) -> bool:
        is_legacy = not entry.mac and entry.pk <= seal.legacy_until
        return is_legacy or marks.is_own(entry, self._keys)

    def _digest(self, entry: AuditEntry, seal: AuditSeal) -> str:
        """Return the digest that a seal holds: of what was there before the marks, one of its own key."""
        if entry.mac:
            return marks.parts(entry.mac)[2]
        try:
            return marks.digest(entry, self._keys[seal.mac.partition(".")[0]])
        except vault.VaultError:
            return ""

    def _is_whole(self, seal: AuditSeal, entries: Sequence[AuditEntry]) -> bool:
        key_id, _, told = seal.mac.partition(".")
        try:
            key = self._keys[key_id]
        except vault.VaultError:
            return False
        ordered = sorted(entries, key=lambda entry: entry.pk)
        digests = [self._digest(entry, seal) for entry in ordered]
        return hmac.compare_digest(marks.seal_digest(seal, self._tail.mac, digests, key), told)

    def _go_on(self, seal: AuditSeal, number: int) -> None:
        self.report.seals += 1
        self.report.entries += number
        self._ranges += seal.entries
        if len(self._ranges) > self._enough:
            self._ranges = _joined(self._ranges)
            self._enough = 2 * len(self._ranges) + 1000
        self._seen = {mac: one for mac, one in self._seen.items() if one[0] > seal.until - 2 * LATE}
        self._tail = seal
        self.report.head = Head(seal.position, seal.mac)

    def end(self) -> None:
        """Verify what is in no seal, and that nothing was cut off."""
        for entry in self._unsealed():
            if entry.pk > self._tail.last_id and self._is_unchanged(entry, self._tail):
                self.report.waiting += 1
            else:
                self.report.problems.append(f"Entry {entry.pk} was put in from outside the record.")
        for position in sorted(self._heads):
            self.report.problems.append(
                f"The record was cut off: seal {position} was there, {self._tail.position} is the last."
            )

    def _unsealed(self) -> Iterator[AuditEntry]:
        edges = [[0, 0], *_joined(self._ranges)]
        for (_, before), (after, _) in pairwise(edges):
            if after > before + 1:
                within = AuditEntry.objects.filter(pk__gt=before, pk__lt=after)
                yield from within.order_by("pk").iterator(1000)
        rest = AuditEntry.objects.filter(pk__gt=edges[-1][1])
        yield from rest.order_by("pk").iterator(1000)


def _ids(seal: AuditSeal) -> Iterator[int]:
    for first, last in seal.entries:
        yield from range(first, last + 1)


def _shorts(seal: AuditSeal) -> list[str]:
    text, size = seal.marks, marks.SHORT
    return [text[at : at + size] for at in range(0, len(text), size)]


def _joined(ranges: list[list[int]]) -> list[list[int]]:
    """Return pairs of first and last in their order, neighbors as one."""
    joined: list[list[int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined
