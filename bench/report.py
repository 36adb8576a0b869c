"""Turn what was measured into tables, and keep them in docs/performance.md."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import measure

FILE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
NOW, BEFORE = "## Measured now", "## The time before"

Rounds = Sequence[dict[str, dict[str, Any]]]


def table(measured: dict[str, Any], *, seconds: float) -> str:
    """Return everything as Markdown."""
    lines = [
        f"{datetime.now(UTC):%-d %B %Y, %H:%M} UTC, in {seconds / 60:.0f} minutes, on "
        f"{measure.machine()}. PostgreSQL 18 and Valkey 9, both as the tests start them. "
        f"{len(measured['waiting'])} rounds: median (range).",
        "",
        *_waiting(measured["waiting"]),
        *_cost(measured["cost"]),
        *_bulk(measured["bulk"]),
        *_submitted(measured["submitted"]),
        *_targets(measured),
    ]
    return "\n".join(lines) + "\n"


def keep(text: str, page: str) -> None:
    """Put the text under "Measured now", and what stood there in `page` under "The time before"."""
    head, rest = page.split(NOW, 1)
    last = rest.split(BEFORE, 1)[0].strip()
    FILE.write_text(f"{head}{NOW}\n\n{text.strip()}\n\n{BEFORE}\n\n{_lower(last)}\n")


def _lower(text: str) -> str:
    return re.sub(r"^### ", "#### ", text, flags=re.M)


def _values(rounds: Rounds, way: str, *path: str) -> list[float]:
    values = []
    for each in rounds:
        value: Any = each[way]
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            values.append(float(value))
    return values


def _shares(rounds: Rounds, way: str) -> list[float]:
    return [each[way]["ideal"] / each[way]["seconds"] for each in rounds]


def _rates(rounds: Rounds, way: str) -> list[float]:
    return [each[way]["number"] / each[way]["seconds"] for each in rounds]


def _cpu(rounds: Rounds, way: str, whose: str) -> str:
    values = [1000 * value for value in _values(rounds, way, "cpu", whose)]
    return measure.spread(values) if values else "-"


def _memory(rounds: Rounds, way: str) -> str:
    values = _values(rounds, way, "memory")
    return f"{max(values):.0f} MB" if values else "-"


def _waiting(rounds: Rounds) -> list[str]:
    first = next(iter(rounds[0].values()))
    return [
        f"### {first['number']:,} instances, each answered after 250 ms, 64 calls in flight",
        "",
        "| how | share of the ideal | a second | CPU ms an instance | database | broker | memory (PSS) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {way} | {measure.spread(_shares(rounds, way))} "
            f"| {measure.spread(_rates(rounds, way), 0)} | {_cpu(rounds, way, 'worker')} "
            f"| {_cpu(rounds, way, 'database')} | {_cpu(rounds, way, 'broker')} "
            f"| {_memory(rounds, way)} |"
            for way in rounds[0]
        ),
        "",
    ]


def _cost(rounds: Rounds) -> list[str]:
    if not rounds:
        return []
    return [
        "### The same, answered at once: what an instance costs",
        "",
        "| how | a second | CPU ms an instance | database | broker | memory (PSS) |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {way} | {measure.spread(_rates(rounds, way), 0)} | {_cpu(rounds, way, 'worker')} "
            f"| {_cpu(rounds, way, 'database')} | {_cpu(rounds, way, 'broker')} "
            f"| {_memory(rounds, way)} |"
            for way in rounds[0]
        ),
        "",
    ]


def _bulk(bulk: dict[str, Any]) -> list[str]:
    if not bulk:
        return []
    paces = bulk["paces"]
    return [
        f"### {1000 * len(paces):,} queued, answered at once, PostgreSQL",
        "",
        f"A second, each thousand: {', '.join(f'{pace:.0f}' for pace in paces)}. "
        f"Last to first: {paces[-1] / paces[0]:.2f}. "
        f"Memory of the worker, largest: {bulk['memory']:.0f} MB.",
        "",
    ]


def _submitted(submitted: dict[str, list[float]]) -> list[str]:
    if not submitted:
        return []
    rows = {
        "from the form's POST to the token, less the platform's 250 ms": submitted["shown"],
        "from the row's creation to the request's first byte at the platform": submitted["sent"],
    }
    return [
        f"### {len(submitted['shown'])} submitted one by one, nothing else to do, PostgreSQL",
        "",
        "| time | p50 ms | p95 ms |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {1000 * measure.percentile(values, 0.5):.0f} "
            f"| {1000 * measure.percentile(values, 0.95):.0f} |"
            for name, values in rows.items()
        ),
        "",
    ]


def _targets(measured: dict[str, Any]) -> list[str]:
    rows = _rate_targets(measured)
    if measured["cost"]:
        rows += _cost_targets(measured) + _other_targets(measured)
    return [
        "### Targets",
        "",
        "| target | measured | met |",
        "| --- | --- | --- |",
        *(f"| {name} | {value} | {'yes' if is_met else 'NO'} |" for name, value, is_met in rows),
        "",
    ]


def _middle(values: Sequence[float]) -> float:
    return measure.percentile(values, 0.5)


def _rate_targets(measured: dict[str, Any]) -> list[tuple[str, str, bool]]:
    waiting, ours, lite = measured["waiting"], "Elementdesk, PostgreSQL", "Elementdesk, SQLite"
    share = _middle(_shares(waiting, ours))
    rows = [("0.90 of the ideal", f"{share:.2f}", share >= 0.9)]
    if curl := next((way for way in waiting[0] if "curl" in way), ""):
        ratios = [
            each[curl]["seconds"] / each[ours]["seconds"] for each in [*waiting, *measured["cost"]]
        ]
        rows.append(("never behind curl", f"{min(ratios):.2f} at worst", min(ratios) >= 1))
    half = _middle(_rates(waiting, lite)) / _middle(_rates(waiting, ours))
    rows.append(("SQLite half as fast as PostgreSQL", f"{half:.2f}", half >= 0.5))
    return rows


def _cost_targets(measured: dict[str, Any]) -> list[tuple[str, str, bool]]:
    cost = measured["cost"]
    ours = _middle(_values(cost, "Elementdesk, PostgreSQL", "cpu", "worker"))
    rows = []
    for way in (way for way in cost[0] if "bare" in way):
        ratio = ours / _middle(_values(cost, way, "cpu", "worker"))
        rows.append((f"CPU at most 3 times {way}", f"{ratio:.1f}", ratio <= 3))
    return rows


def _other_targets(measured: dict[str, Any]) -> list[tuple[str, str, bool]]:
    rounds = [*measured["waiting"], *measured["cost"]]
    memory = max(_values(rounds, "Elementdesk, PostgreSQL", "memory"))
    rows = [("worker under 150 MB", f"{memory:.0f} MB", memory < 150)]
    if bulk := measured["bulk"]:
        pace = bulk["paces"][-1] / bulk["paces"][0]
        rows.append(("the last thousand as fast as the first", f"{pace:.2f}", pace >= 0.9))
    if submitted := measured["submitted"]:
        for name, most in (("shown", 1.0), ("sent", 0.06)):
            value = measure.percentile(submitted[name], 0.95)
            rows.append(
                (
                    f"{name} within {most * 1000:.0f} ms (p95)",
                    f"{value * 1000:.0f} ms",
                    value <= most,
                )
            )
    if "locked" in measured:
        locked = measured["locked"]
        rows.append(('no "database is locked"', "some" if locked else "none", not locked))
    return rows
