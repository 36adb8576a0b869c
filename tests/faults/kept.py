"""A campaign that may be broken off: each part's result is kept in a file, and not run again."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.faults.invariants import INVARIANTS

Result = dict[str, Any]


def run(folder: Path, parts: Iterable[str], run_part: Callable[[str], Result]) -> Result:
    """
    Run each part that has no result in `folder` yet, and return all results as one.

    A part is what `--rows` takes. One that crashed is not kept: it is run again the next time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for part in parts:
        path = folder / f"{part.replace(',', '+')}.json"
        if not path.exists():
            result = run_part(part)
            if "crashed" in result:
                return result
            path.with_suffix(".new").write_text(json.dumps(result))
            path.with_suffix(".new").rename(path)
        results.append(json.loads(path.read_text()))
    return joined(results)


def joined(results: list[Result]) -> Result:
    """Return several results as one: everything found wrong in any is found wrong."""
    names = {name for one in results for name in one["selftest"]}
    return {
        "rows": [row for one in results for row in one["rows"]],
        "invariants": {
            name: [text for one in results for text in one["invariants"][name]]
            for name in INVARIANTS
        },
        "peak_mb": max((one["peak_mb"] for one in results), default=0),
        "selftest": {
            name: all(one["selftest"].get(name, False) for one in results) for name in sorted(names)
        },
    }
