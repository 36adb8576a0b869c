"""What a run found, as tables in Markdown."""

from collections.abc import Mapping
from typing import Any

from tests.faults.invariants import INVARIANTS

Result = dict[str, Any]


def is_good(result: Result) -> bool:
    """Return whether every row passed, nothing was violated, and every planted error was seen."""
    if "crashed" in result:
        return False
    return (
        all(row["passed"] for row in result["rows"])
        and not any(result["invariants"].values())
        and all(result["selftest"].values())
    )


def text(results: Mapping[str, Result], *, seed: int, seconds: float) -> str:
    """Return the tables of a whole run, and what was found wrong."""
    lines = [*_rows(results), "", *_invariants(results), "", *_wrong(results)]
    operations = sum(row["operations"] for one in results.values() for row in one.get("rows", ()))
    lines += [f"{operations} operations, seed {seed}, {seconds:.0f} s.", ""]
    return "\n".join(lines)


def _rows(results: Mapping[str, Result]) -> list[str]:
    lines = ["| row | fault | database | operations | faults | seconds | result |"]
    lines += ["| --- | --- | --- | ---: | ---: | ---: | --- |"]
    for database, result in results.items():
        for row in sorted(result.get("rows", ()), key=lambda row: row["id"]):
            lines.append(
                f"| {row['id']} | {row['fault']} | {database} | {row['operations']} | "
                f"{row['injected']} | {row['seconds']} | {_verdict(row)} |"
            )
    return lines


def _verdict(row: Result) -> str:
    if row["passed"]:
        return "passed"
    if row.get("not_run"):
        return f"**not run**: {row['not_run']}"
    reasons = [*row["wrong"], *(f"{name}: {n}" for name, n in row["violations"].items())]
    if row["injected"] < row["needed"]:
        reasons.append(f"only {row['injected']} of {row['needed']} faults happened")
    return "**failed**: " + "; ".join(reasons)


def _invariants(results: Mapping[str, Result]) -> list[str]:
    names = list(results)
    lines = [f"| | must never be | {' | '.join(names)} |", "| --- | --- |" + " ---: |" * len(names)]
    for invariant, meaning in INVARIANTS.items():
        counts = [
            str(len(results[name].get("invariants", {}).get(invariant, "?"))) for name in names
        ]
        lines.append(f"| {invariant} | {meaning} | {' | '.join(counts)} |")
    return lines


def _wrong(results: Mapping[str, Result]) -> list[str]:
    lines = []
    for database, result in results.items():
        if "crashed" in result:
            lines.append(f"- {database}: the campaign itself ended with {result['crashed']}")
            continue
        seen = [name for name, was_seen in result["selftest"].items() if was_seen]
        lines.append(
            f"{database}: {len(seen)} of {len(result['selftest'])} planted errors were reported "
            f"({', '.join(seen)}); the largest process took {result['peak_mb']} MB."
        )
        lines += _details(result)
    return [*lines, ""]


def _details(result: Result) -> list[str]:
    return [
        f"- {name}: {found}" for name, texts in result["invariants"].items() for found in texts[:20]
    ]
