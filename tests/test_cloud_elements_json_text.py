"""JSON from a stranger: bounded, storable, and nothing true lost on the way."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instances.cloud_elements.json_text import MAX_DEPTH, MAX_KEYS, clean_text, parse_json

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(st.characters(categories=["Cs", "Cc", "L"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    """Return how many lists and objects lie within each other."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(plain)
def test_harmless_document_is_unchanged(document: object) -> None:
    assert parse_json(json.dumps(document).encode()) == document


@given(anything)
def test_any_document_becomes_storable(document: object) -> None:
    parsed = parse_json(json.dumps(document).encode())
    text = json.dumps(parsed, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text


@given(anything, st.booleans())
def test_small_document_is_read_as_a_large_one(document: object, is_ascii: bool) -> None:
    """What may skip the careful way says the same as beside so much that it may not."""
    text = json.dumps(document, ensure_ascii=is_ascii).encode(errors="surrogatepass")
    beside = b"[%s, [%s]]" % (text, b",".join([b"1"] * MAX_KEYS))
    large = parse_json(beside)
    assert isinstance(large, list)
    assert parse_json(b"[%s]" % text) == large[:1]


@pytest.mark.parametrize("escaped", [r"\u0000", r"\ud800", r"\udfff"])
def test_small_document_with_an_unstorable_escape_is_cleaned(escaped: str) -> None:
    assert parse_json(b'{"a%s": "b%s"}' % (2 * (escaped.encode(),))) == {"a\ufffd": "b\ufffd"}


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(ValueError):
        parse_json(body)


@given(st.text('[]{}",:\\a1 ', max_size=200), st.integers(0, 50))
def test_brackets_never_exhaust_the_stack(text: str, repeats: int) -> None:
    with suppress(ValueError):
        parse_json((text * repeats).encode())


@pytest.mark.parametrize(
    "value", ["[" * 200_000 + "]" * 200_000, '{"a":' * 200_000 + "1" + "}" * 200_000]
)
def test_what_stands_beside_a_deep_value_survives(value: str) -> None:
    parsed: Any = parse_json(f'{{"deep": {value}, "id": 7, "text": "]}}[{{\\""}}'.encode())
    assert (parsed["id"], parsed["text"]) == (7, ']}[{"')
    assert depth_of(parsed) <= MAX_DEPTH


@pytest.mark.parametrize("over", [0, 1])
def test_what_is_nested_as_deep_as_allowed_is_kept_and_no_deeper(over: int) -> None:
    deep = "[" * (MAX_DEPTH + over) + "]" * (MAX_DEPTH + over)
    body = f'[{deep[1:-1]}, "]}}[{{", {"[], " * MAX_DEPTH}7]'
    parsed: Any = parse_json(body.encode())
    assert (depth_of(parsed), parsed[1], parsed[-1]) == (MAX_DEPTH, "]}[{", 7)
    assert ("null" in json.dumps(parsed)) == bool(over)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("NaN", None),
        ("-Infinity", None),
        ("1e999999", None),
        ("9" * 5000, "9" * 40),
        (str(2**63), str(2**63)),
        (str(2**63 - 1), 2**63 - 1),
        ('"a\\u0000b\\ud800"', "a\ufffdb\ufffd"),
        ('{"a\\u0000": 1}', {"a\ufffd": 1}),
        ('{"a": 1, "a": 2}', {"a": None}),
        ("\ufeff1", 1),
    ],
)
def test_odd_value_has_one_storable_form(literal: str, value: object) -> None:
    assert parse_json(literal.encode()) == value


@pytest.mark.parametrize("text", ["", " ", "{", "[" * 40, "{'a': 1}", "[1,]", "1 2", "// a\n1"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text.encode())


def test_huge_neighbors_do_not_push_out_the_id() -> None:
    big = {f"{n}": dict.fromkeys(map(str, range(9_000)), n) for n in range(12)}
    parsed: Any = parse_json(json.dumps({**big, "id": 7}).encode())
    assert parsed["id"] == 7


def test_too_many_keys_are_left_out() -> None:
    parsed: Any = parse_json(json.dumps({str(n): n for n in range(20_000)}).encode())
    assert len(parsed) == 10_000


def test_list_that_must_be_whole_is_not_cut() -> None:
    body = json.dumps([0] * 100_001).encode()
    cut: Any = parse_json(body)
    assert len(cut) < 100_001
    with pytest.raises(ValueError, match="too many"):
        parse_json(body, whole=True)


@pytest.mark.parametrize("text", ['"' + '\\"' * 500_000, "[" * 40 + '"\\"' * 300_000])
def test_hostile_strings_cost_no_more_than_their_length(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        parse_json(text.encode())
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("one\r\ntwo\x00\x1b", "one  two"),
        ("abc\u202etxt.exe\u200b", "abc\ufffdtxt.exe\ufffd"),
        ("two  spaces", "two  spaces"),
        ("ümläut 你好 🎉", "ümläut 你好 🎉"),
        (7, ""),
        (None, ""),
    ],
)
def test_text_shows_what_it_holds(text: object, cleaned: str) -> None:
    assert clean_text(text, 100) == cleaned


@given(st.text(st.characters(codec=None)), st.integers(0, 20))
def test_cleaned_text_is_one_short_storable_line(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert len(cleaned.splitlines()) <= 1
    cleaned.encode()
