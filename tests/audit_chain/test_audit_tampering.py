"""A thousand random tamperings of each of five kinds: every one is found, and named."""

import random
from collections.abc import Callable

import pytest

from instances import audit
from instances.models import AuditEntry, AuditSeal
from tests.audit_chain.conftest import Write, behind_the_back, problems

pytestmark = [pytest.mark.once, pytest.mark.django_db]

TRIALS = 1000
SEED = 5
TEXTS = ("actor_name", "action", "object_type", "object_id", "object_name", "request_id", "address")
Tamper = Callable[[random.Random, list[int]], str]


def edit(chance: random.Random, ids: list[int]) -> str:
    """Change one field of one entry, its mark perhaps."""
    one, name = chance.choice(ids), chance.choice([*TEXTS, "result", "detail", "mac", "at"])
    row = AuditEntry.objects.get(pk=one)
    other = AuditEntry.objects.get(pk=chance.choice([each for each in ids if each != one]))
    changed = {"result": "refused", "detail": {"number": -1}, "at": other.at, "mac": other.mac}
    value = changed.get(name, f"{getattr(row, name)}x"[-30:])
    AuditEntry.objects.filter(pk=one).update(**{name: value})
    return f"Entry {one} "


def remove(chance: random.Random, ids: list[int]) -> str:
    """Take one entry away."""
    one = chance.choice(ids)
    AuditEntry.objects.filter(pk=one).delete()
    return f"Entry {one} is missing."


def put_in(chance: random.Random, ids: list[int]) -> str:
    """Put in one that was never written, or a copy; a worker seals what it believes."""
    row = AuditEntry.objects.get(pk=chance.choice(ids))
    row.pk = None
    kind = chance.choice(["copy", "forged", "unmarked"])
    if kind != "copy":
        row.action = f"invented.{chance.randrange(1000)}"
        row.mac = row.mac if kind == "forged" else ""
    row.save(force_insert=True)
    # A copy shows once it has its place; all else at once.
    if kind == "copy" or chance.random() < 0.5:
        audit.seal_new()
    return f"Entry {row.pk} "


def move(chance: random.Random, ids: list[int]) -> str:
    """Let two entries change places."""
    one, other = sorted(chance.sample(ids, 2))
    first, second = AuditEntry.objects.get(pk=one), AuditEntry.objects.get(pk=other)
    first.pk, second.pk = other, one
    AuditEntry.objects.filter(pk__in=(one, other)).delete()
    AuditEntry.objects.bulk_create([first, second])
    return f"Entry {one} "


def cut_off(chance: random.Random, ids: list[int]) -> str:
    """Take away the end, seals and all; only a head that is kept elsewhere tells."""
    position = chance.randrange(1, AuditSeal.objects.count() + 1)
    gone = AuditSeal.objects.filter(position__gte=position)
    AuditEntry.objects.filter(pk__gte=gone.order_by("position")[0].entries[0][0]).delete()
    gone.delete()
    return "The record was cut off"


@pytest.mark.parametrize(
    "tamper", [edit, remove, put_in, move, cut_off], ids=lambda one: one.__name__
)
def test_each_of_a_thousand_tamperings_is_named(write: Write, tamper: Tamper) -> None:
    ids = [entry.pk for number in (4, 3, 5) for entry in write(number)]
    newest = AuditSeal.objects.newest()
    assert newest is not None
    assert problems() == []
    chance = random.Random(f"{SEED} {tamper.__name__}")
    head = audit.Head(newest.position, newest.mac)
    for _trial in range(TRIALS):
        with behind_the_back():
            first = tamper(chance, ids)
            found = problems(head)
            assert "".join(found[:1]).startswith(first), (first, found)
    assert problems() == []


def test_a_seal_that_is_changed_or_missing_is_named(write: Write) -> None:
    for number in (2, 2, 2):
        write(number)
    with behind_the_back():
        AuditSeal.objects.filter(position=2).update(marks="0" * 16)
        assert problems()[0].startswith("Entry")
    with behind_the_back():
        AuditSeal.objects.filter(position=2).update(legacy_until=10**6)
        assert problems()[0].startswith("Seal 2 was changed")
    with behind_the_back():
        AuditSeal.objects.filter(position=2).delete()
        assert problems()[0] == "Seal 2 is missing."


def test_a_chain_that_was_made_anew_is_not_the_one_whose_head_is_known(write: Write) -> None:
    write(2)
    head = audit.verify().head
    assert head is not None
    with behind_the_back():
        AuditSeal.objects.all().delete()
        audit.seal_new()
        assert problems() == []
        assert problems(head)[0].startswith("Seal 1 is not the one")
