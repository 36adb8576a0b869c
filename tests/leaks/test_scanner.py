"""The scan finds a secret in every encoding, and says so when it did not look."""

import base64
import gzip
import html
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.leaks.encodings import forms_of
from tests.leaks.scanner import Result, Search, Sink, files, scan, table, text

# As the platform's tokens are, with every character that some encoding changes.
SECRET = "q7/+Zp\"<k&'4=Wé 0xYa"
CONTROL = "control-0f3a9c-planted-on-purpose"
KEY = bytes(range(190, 222))

ENCODERS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "upper case": lambda s: s.upper().encode().replace("É".encode(), "é".encode()),
    "lower case": lambda s: s.lower().encode(),
    "reversed": lambda s: s.encode()[::-1],
    "url": lambda s: quote(s, safe="").encode(),
    "url, slashes kept": lambda s: quote(s).encode(),
    "url with small digits": lambda s: quote(s, safe="").lower().encode(),
    "url twice": lambda s: quote(quote(s, safe=""), safe="").encode(),
    "html": lambda s: html.escape(s).encode(),
    "json": lambda s: json.dumps(s).encode(),
    "json as it is": lambda s: json.dumps(s, ensure_ascii=False).encode(),
    "hex": lambda s: s.encode().hex().encode(),
    "hex in capitals": lambda s: s.encode().hex().upper().encode(),
    "base64 at 0": lambda s: base64.b64encode(s.encode() + b"yy"),
    "base64 at 1": lambda s: base64.b64encode(b"x" + s.encode() + b"yy"),
    "base64 at 2": lambda s: base64.b64encode(b"xx" + s.encode() + b"yy"),
    "url-safe base64": lambda s: base64.urlsafe_b64encode(b"x" + s.encode() + b"yy"),
    "gzip": lambda s: b"head" + gzip.compress(b"x" * 100 + s.encode()) + b"tail",
    "zlib": lambda s: b"head" + zlib.compress(b"x" * 100 + s.encode()) + b"tail",
    "zlib cut off": lambda s: zlib.compress(os.urandom(9000) + s.encode() + os.urandom(9000))[
        :-4000
    ],
    "gzip in gzip": lambda s: gzip.compress(b"x" * 99 + gzip.compress(b"x" * 99 + s.encode())),
    "hex in zlib": lambda s: zlib.compress(b"x" * 99 + s.encode().hex().encode()),
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_secret_is_found_in(encoding: str) -> None:
    hidden = ENCODERS[encoding](SECRET)
    search = Search({"token": SECRET})
    assert search.hits(b"before " + hidden + b" behind")
    assert not search.hits(b"before " + hidden[: len(hidden) // 2])


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_a_secret_is_found_in_utf_16(order: str) -> None:
    secret = SECRET.replace("é", "e")
    assert Search({"token": secret}).hits(f"say {secret}!".encode(order))


def test_a_key_is_found_as_bytes_and_encoded() -> None:
    search = Search({"key": KEY})
    shapes = [KEY, KEY.hex().encode(), base64.b64encode(b"x" + KEY), base64.urlsafe_b64encode(KEY)]
    assert all(search.hits(b"a" + shape + b"b") for shape in shapes)


def test_a_part_that_no_quoting_changes_is_found() -> None:
    search = Search({"password": "CNRYpassword7Q2X & 'more'"})
    assert search.hits(b"%2522CNRYpassword7Q2X%2520") == {"password (in part)"}


def test_nothing_is_found_where_nothing_is() -> None:
    search = Search({"token": SECRET, "key": KEY})
    assert search.hits(os.urandom(200_000) + gzip.compress(b"harmless" * 100)) == set()


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="by chance"):
        forms_of("short")


def only_result(*contents: bytes) -> Result:
    sink = Sink("log", CONTROL, text("log", *contents))
    (result,) = scan([sink], {"token": SECRET})
    return result


def test_a_sink_without_its_control_is_not_clean() -> None:
    result = only_result(b"nothing at all")
    assert (result.hits, result.is_scanned, result.is_clean) == (set(), False, False)
    assert table([result]).endswith("| log | 14 | NO | 0 |")


def test_a_sink_with_its_control_and_nothing_else_is_clean() -> None:
    result = only_result(b"nothing", CONTROL.encode())
    assert result.is_clean
    assert table([result]).endswith("| yes | 0 |")


def test_a_hit_names_secret_encoding_and_place_and_never_the_secret() -> None:
    result = only_result(CONTROL.encode(), base64.b64encode(SECRET.encode()))
    assert result.hits == {"token (base64 at 0) at log"}
    assert not result.is_clean


def test_every_file_below_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "file").write_text(CONTROL)
    (tmp_path / "alone").write_text(SECRET)
    sink = Sink("folder", CONTROL, files(tmp_path / "deep", tmp_path / "alone"))
    (result,) = scan([sink], {"token": SECRET})
    assert result.is_scanned
    assert result.hits == {f"token (plain) at {tmp_path / 'alone'}"}
