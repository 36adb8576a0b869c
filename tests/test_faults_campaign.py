"""The campaign's own tools: a form as it is sent, and results that are kept."""

import json
from pathlib import Path
from typing import Any

from tests.faults import kept, machine, table
from tests.faults.invariants import INVARIANTS
from tests.faults.pages import fields_of
from tests.faults.processes import Process

PAGE = """
<form method="get"><input name="q" value="search"></form>
<form method="post">
  <input type="hidden" name="seen" value="a&amp;b">
  <input type="checkbox" name="on" checked><input type="checkbox" name="off">
  <input type="radio" name="way" value="basic"><input type="radio" name="way" value="custom" checked>
  <textarea name="reason">Why &lt;not&gt;</textarea>
  <select name="nulls"><option value="">None</option><option value="true" selected>Yes</option></select>
  <button name="reviewed" value="digest">Send</button><button name="other" value="1">Other</button>
</form>
"""


def test_a_form_is_sent_as_it_is_shown() -> None:
    assert fields_of(PAGE) == {
        "seen": "a&b",
        "on": "on",
        "way": "custom",
        "reason": "Why <not>",
        "nulls": "true",
        "reviewed": "digest",
    }


def _result(row: str, wrong: str = "") -> dict[str, Any]:
    found = {name: [wrong] if wrong and name == "I3" else [] for name in INVARIANTS}
    line = {"id": row, "passed": not wrong}
    return {"rows": [line], "invariants": found, "peak_mb": len(row), "selftest": {"lost": True}}


def test_what_has_a_result_is_not_run_again(tmp_path: Path) -> None:
    ran: list[str] = []

    def run_part(part: str) -> dict[str, Any]:
        ran.append(part)
        return {"crashed": 1} if part == "F02" and ran.count("F02") == 1 else _result(part)

    parts = ["F00,F01", "F02", "F03"]
    assert kept.run(tmp_path / "kept", parts, run_part) == {"crashed": 1}
    whole = kept.run(tmp_path / "kept", parts, run_part)
    assert ran == ["F00,F01", "F02", "F02", "F03"]
    assert [row["id"] for row in whole["rows"]] == parts
    assert whole["peak_mb"] == 7
    assert json.loads((tmp_path / "kept" / "F00+F01.json").read_text()) == _result("F00,F01")


def test_what_is_wrong_in_one_part_is_wrong_in_the_whole() -> None:
    good, bad = _result("F00"), _result("F01", "lives")
    assert table.is_good(kept.joined([good, good]))
    assert kept.joined([good, bad])["invariants"]["I3"] == ["lives"]
    assert not table.is_good(kept.joined([good, bad]))
    bad = _result("F01") | {"selftest": {"lost": False}}
    assert not table.is_good(kept.joined([good, bad]))


def test_an_exception_is_known_by_its_name_whatever_that_ends_in(tmp_path: Path) -> None:
    worker = Process("worker", [], {}, tmp_path)
    trace = "Traceback (most recent call last)\n  somewhere\nbilliard.exceptions.RestartFreqExceeded: 5 in 1s"
    worker.log.write_text(json.dumps({"exception": trace}) + "\n")
    assert machine.tracebacks([worker], ["RestartFreqExceeded"]) == []
    assert len(machine.tracebacks([worker], ["OutOfMemoryError"])) == 1


def test_a_row_that_this_machine_cannot_do_has_not_passed() -> None:
    result = _result("F38")
    counts = {"fault": "full", "operations": 0, "injected": 0, "seconds": 0}
    result["rows"][0] |= {**counts, "passed": False, "not_run": "mount: not permitted"}
    assert not table.is_good(result)
    text = table.text({"sqlite": result}, seed=1, seconds=1)
    assert "| **not run**: mount: not permitted |" in text
