"""Everything that is sealed: count it by key, seal it again, check that it opens."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from django.db import transaction
from django.db.models import QuerySet

from instances.models import ApiKey, SealingKey
from instances.vault.auditing import keep_audit_key
from instances.vault.keyring import KeyRing
from instances.vault.sealing import FORMAT, SealedRow, UnreadableError, open_with, seal_with

BATCH = 500


@dataclass(frozen=True)
class SealedColumn:
    """One column of one model that holds only sealed values."""

    model: type[SealedRow]
    field: str

    def rows(self) -> Iterator[SealedRow]:
        """Every row with a value in this column, in batches, in the order of ids."""
        held = self.model._default_manager.exclude(**{self.field: ""}).order_by("pk")
        return held.iterator(chunk_size=BATCH)

    def rows_not_sealed_with(self, key_id: str) -> Iterator[SealedRow]:
        """Rows whose value another key sealed; read in batches by id, so that writing is safe."""
        others = self.model._default_manager.exclude(**{self.field: ""}).exclude(
            **{f"{self.field}__startswith": f"{FORMAT}.{key_id}."}
        )
        last = None
        while rows := list(_after(others, last)[:BATCH]):
            yield from rows
            last = rows[-1].pk


def _after(rows: QuerySet[Any], last: object) -> QuerySet[Any]:
    rows = rows.order_by("pk")
    return rows if last is None else rows.filter(pk__gt=last)


def sealed_columns() -> list[SealedColumn]:
    """Every sealed column of every model, as the models themselves declare them."""
    return [
        SealedColumn(model, field) for model in get_args(SealedRow) for field in model.sealed_fields
    ]


def count_by_key() -> Counter[str]:
    """How many stored values each key has sealed."""
    counts: Counter[str] = Counter()
    for column in sealed_columns():
        for row in column.rows():
            counts[_key_id(getattr(row, column.field))] += 1
    return counts


def _key_id(sealed: str) -> str:
    parts = sealed.split(".")
    return parts[1] if len(parts) == 4 and parts[0] == FORMAT else "?"


def reseal(keys: KeyRing) -> int:
    """
    Seal every value of another key again with the primary one; return how many.

    Safe to stop and to repeat: each value is replaced only if it is still the one that was read,
    so an edit made meanwhile wins.

    :raises UnreadableError: a value does not open; the ones before it are done.
    """
    return sum(
        _reseal_row(keys, column, row)
        for column in sealed_columns()
        for row in column.rows_not_sealed_with(keys.primary)
    )


def _reseal_row(keys: KeyRing, column: SealedColumn, row: SealedRow) -> int:
    old = getattr(row, column.field)
    plaintext = open_with(keys, row, column.field)
    new = seal_with(keys, row, column.field, plaintext)
    unchanged = {"pk": row.pk, column.field: old}
    return column.model._default_manager.filter(**unchanged).update(**{column.field: new})


def find_unreadable(keys: KeyRing) -> list[str]:
    """One sentence for each stored value that does not open."""
    problems = []
    for column in sealed_columns():
        for row in column.rows():
            try:
                open_with(keys, row, column.field)
            except UnreadableError as error:
                problems.append(str(error))
    return problems


class KeyInUseError(Exception):
    """The key still opens stored values."""


def retire(key_id: str) -> None:
    """
    Note that `key_id` is no longer needed, so that it may leave the key ring.

    :raises KeyInUseError: values sealed with it are stored; seal them again first.
    """
    with transaction.atomic():
        if left := count_by_key()[key_id]:
            raise KeyInUseError(
                f"{left} stored values are sealed with {key_id!r}. "
                "Run `manage.py key_ring reseal` first."
            )
        known = ApiKey.objects.usable().filter(digest__startswith=f"{key_id}.")
        if names := sorted(str(key) for key in known):
            raise KeyInUseError(
                f"API keys not used since another key is primary are known by {key_id!r}: "
                f"{', '.join(names)}. Use each once, or revoke it."
            )
        keep_audit_key(key_id)
        SealingKey.objects.filter(key_id=key_id).delete()
