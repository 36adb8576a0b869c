"""Finding instances by what their names contain, the same on both databases."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import CharField, Lookup, Q, QuerySet

from instances.models import search_index
from instances.models.instance import Instance

# With fewer letters nearly every name matches, and no index of three letters helps.
LEAST_LETTERS = 3
# What more instances than this contain is found sooner by looking at the newest ones in turn.
MOST_BY_INDEX = 1_000


@CharField.register_lookup
class Alike(Lookup[Any]):
    """
    The column contains a text, each letter in upper or lower case.

    Which letters are the same is said in the pattern, so that neither database's rules matter.
    """

    lookup_name = "alike"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} ~ %s", [*parameters, as_regex(self.rhs)]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} GLOB %s", [*parameters, as_glob(self.rhs)]


@lru_cache(maxsize=4096)
def cases(letter: str) -> str:
    """Return every form of a letter that counts as the same: itself, upper and lower case."""
    found, new = {letter}, {letter}
    while new:
        forms = {form for one in new for form in (one.lower(), one.upper(), one.title())}
        new = {form for form in forms if len(form) == 1} - found
        found |= new
    return "".join(sorted(found))


def as_regex(text: str) -> str:
    """Return the text as a regular expression of PostgreSQL."""
    return "".join(_regex_of(letter, cases(letter)) for letter in text)


def _regex_of(letter: str, forms: str) -> str:
    if len(forms) > 1:
        return f"[{forms}]"
    return letter if letter.isalnum() or not letter.isascii() else f"\\{letter}"


def as_glob(text: str) -> str:
    """Return the text as a pattern of SQLite's GLOB."""
    letters = (
        forms if len(forms := cases(letter)) > 1 or letter in "*?[" else "" for letter in text
    )
    shown = (f"[{forms}]" if forms else letter for letter, forms in zip(text, letters, strict=True))
    return f"*{''.join(shown)}*"


def is_short(text: str) -> bool:
    """Tell whether a text is too short to look for in names."""
    return len(text) < LEAST_LETTERS


@dataclass(frozen=True)
class Matches:
    """
    Rows that match, in parts that have an index each, or are as common as to be walked.

    The first part is those whose tag it is.
    """

    parts: tuple[QuerySet[Instance], ...]
    are_few: bool


def matching(rows: QuerySet[Instance], text: str) -> Matches:
    """Return those of `rows` whose name or element contains the text, or whose tag or id it is."""
    parts, are_few = [rows.filter(tags__name=text)], True
    if text.isascii() and text.isdigit() and len(text) < 19:
        parts.append(rows.filter(remote_id=int(text)))
    if not is_short(text):
        indexed, are_few = _indexed(text)
        parts.append(rows.filter(Q(name__alike=text) | Q(element_key__alike=text), indexed))
    return Matches(tuple(parts), are_few)


def names_with(rows: QuerySet[Instance], text: str) -> set[str]:
    """Return the names among `rows` that contain the text, in upper or lower case."""
    indexed, _ = _indexed(text)
    return set(rows.filter(indexed, name__alike=text).values_list("name", flat=True))


def _indexed(text: str) -> tuple[Q, bool]:
    """Return what leads SQLite to its index, and whether few rows are expected there."""
    if connection.vendor != "sqlite":
        return Q(), True
    words = search_index.words_of(text)
    are_few = bool(words) and search_index.holds_few(words, MOST_BY_INDEX)
    return (Q(pk__in=search_index.ids(words)) if are_few else Q()), are_few
