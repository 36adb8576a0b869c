"""What a search finds: the same on both databases, whatever the letters."""

import sqlite3
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instances.models import Instance, InstanceTag, Organization, search, search_index

pytestmark = pytest.mark.django_db

# What names are made of: few letters, so that they meet; cases, patterns, other scripts.
LETTERS = (
    "aAbBkK\N{KELVIN SIGN}sSſßẞiIİıéÉøØжЖωΩςΣ%_*?[]\\^$.|(){}+-'\" 0东京ǅǆ\n\U00010400\U00010428"  # noqa: RUF001  # letters that look alike are the test
)
TEXT = st.text(LETTERS, min_size=1, max_size=12)
EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def alike(name: str, text: str) -> bool:
    """Tell what `search` shall tell, letter by letter."""
    at = range(len(name) - len(text) + 1)
    return any(
        all(one in search.cases(typed) for one, typed in zip(name[begin:], text, strict=False))
        for begin in at
    )


@pytest.fixture
def plant(organization: Organization, operator: User) -> Callable[..., list[Instance]]:
    """Make instances with these names."""

    def make(*names: str, element_key: str = "zuorav2") -> list[Instance]:
        rows = [
            Instance(organization=organization, owner=operator, name=name, element_key=element_key)
            for name in names
        ]
        return Instance.objects.bulk_create(rows)

    return make


def found(text: str) -> set[str]:
    matches = search.matching(Instance.objects.all(), text)
    return {row.name for part in matches.parts for row in part}


@EXAMPLES
@given(names=st.lists(TEXT, min_size=1, max_size=12, unique=True), text=TEXT, data=st.data())
def test_exactly_the_names_that_contain_the_text_are_found(
    plant: Callable[..., list[Instance]], names: list[str], text: str, data: st.DataObject
) -> None:
    part_of = data.draw(st.sampled_from(names))
    begin = data.draw(st.integers(0, len(part_of)))
    for typed in (text, part_of[begin : begin + 5].swapcase()):
        Instance.objects.all().delete()
        plant(*names)
        expected = {name for name in names if alike(name, typed)}
        assert found(typed) == (set() if search.is_short(typed) else expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Müller Billing", "MÜLLER"),
        ("ÖSTERREICH", "österreich"),
        ("Москва", "москва"),
        ("ΑΘΗΝΑ", "αθηνα"),
        ("100% of_it", "% of_"),
        ("a*b?c[d]", "*B?C["),
        ("back\\slash", "k\\s"),
        ("東京支店", "京支店"),
    ],
)
def test_case_does_not_matter_and_nothing_is_a_pattern(
    plant: Callable[..., list[Instance]], name: str, text: str
) -> None:
    plant(name, "something else")
    assert found(text) == {name}


def test_elements_tags_and_ids_are_found(
    plant: Callable[..., list[Instance]], active: Instance
) -> None:
    (row,) = plant("untold", element_key="salesforce")
    InstanceTag.objects.create(instance=row, name="eu")
    assert found("SALES") == {"untold"}
    assert found("eu") == {"untold"}
    assert found("e") == set()
    assert found(str(active.remote_id)) == {active.name}


def test_what_was_renamed_and_deleted_is_found_as_it_is(
    plant: Callable[..., list[Instance]],
) -> None:
    first, second = plant("before", "stays")
    Instance.objects.filter(pk=first.pk).update(name="afterwards")
    second.delete()
    assert found("before") == found("stays") == set()
    assert found("afterwards") == {"afterwards"}


def test_common_words_are_found_without_the_index(
    plant: Callable[..., list[Instance]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_BY_INDEX", 3)
    plant("common a", "common b", "common c", "common d", "other")
    assert len(found("common")) == 4


def test_the_index_stands_after_migrating() -> None:
    assert search_index.stands()


LOSING = {
    "postgresql": f"DROP INDEX {search_index.INDEX}",
    # As it goes when a migration makes Instance's table anew.
    "sqlite": f"DROP TRIGGER {search_index.INDEX}_delete",
}


def lose_the_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOSING[connection.vendor])


def test_search_works_without_its_index(plant: Callable[..., list[Instance]]) -> None:
    lose_the_index()
    plant("wanted", "other")
    assert found("WANT") == {"wanted"}


@pytest.mark.django_db(transaction=True)
def test_the_index_is_made_again_where_a_migration_lost_it(
    plant: Callable[..., list[Instance]],
) -> None:
    plant("wanted", "other")
    lose_the_index()
    assert not search_index.stands()
    search_index.make()
    assert search_index.stands()
    assert found("WANT") == {"wanted"}


def test_no_letter_is_asked_of_sqlite_that_it_takes_for_another() -> None:
    letters = [chr(number) for number in range(0x80, 0x3000)]
    cased = [
        one for one in letters if len(search.cases(one)) > 1 and search_index.words_of(one * 3)
    ]
    assert len(cased) > 500
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE letters USING fts5(x, tokenize='trigram')")
    for letter in cased:
        forms = [(form * 3,) for form in search.cases(letter)]
        database.execute("DELETE FROM letters")
        database.executemany("INSERT INTO letters (x) VALUES (?)", forms)
        asked = "SELECT COUNT(*) FROM letters WHERE letters MATCH ?"
        counted = database.execute(asked, [search_index.words_of(letter * 3)]).fetchone()[0]
        assert counted == len(forms), letter
    database.close()
