"""Pictures that are drawn on the server, as numbers for SVG; the words beside them say the same."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from instances.models import HealthDay, HealthState

DAYS = 90
WIDTH, HEIGHT = 900, 100
# How tall a day is drawn, in percent: told apart without color too.
TALL = {
    HealthState.UNKNOWN: 20,
    HealthState.HEALTHY: 60,
    HealthState.DISABLED: 40,
    HealthState.RETRYING: 80,
    HealthState.ACTION_NEEDED: 100,
}


@dataclass(frozen=True)
class Cell:
    """One day of the strip."""

    x: float
    y: float
    width: float
    height: float
    state: str
    title: str


@dataclass(frozen=True)
class Plot:
    """A line over days, broken where there is no number, and the number at its top."""

    lines: list[str]
    most: int

    @property
    def is_empty(self) -> bool:
        return not self.lines


def days_until(last: datetime.date, number: int = DAYS) -> list[datetime.date]:
    """Return so many days, the last one at the end."""
    return [last - datetime.timedelta(days=back) for back in range(number - 1, -1, -1)]


def strip(rows: Iterable[HealthDay], last: datetime.date) -> list[Cell]:
    """Return a cell for each of the 90 days; those without a check are low and gray."""
    found = {row.day: row for row in rows}
    step = WIDTH / DAYS
    return [
        _cell(place * step, step, day, found.get(day)) for place, day in enumerate(days_until(last))
    ]


def _cell(x: float, step: float, day: datetime.date, row: HealthDay | None) -> Cell:
    state = HealthState(row.state) if row else HealthState.UNKNOWN
    told = f"{state.label}, {row.good} of {row.checks} checks good" if row else "No check"
    height = TALL[state]
    return Cell(
        round(x + step * 0.12, 2),
        HEIGHT - height,
        round(step * 0.76, 2),
        height,
        state if row else "none",
        f"{day:%-d %B %Y}: {told}",
    )


def plot(values: Sequence[float | None], *, most: float = 0.0) -> Plot:
    """
    Return the line through the values from left to right; None breaks it.

    Zero is at the bottom; at the top is the greatest value, or `most` if that is more.
    """
    known = [value for value in values if value is not None]
    top = max([most, *known], default=0.0) or 1.0
    step = WIDTH / max(len(values) - 1, 1)
    lines: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{place * step:.1f},{HEIGHT - value / top * (HEIGHT - 4) - 2:.1f}")
    return Plot([_drawn(line) for line in lines if line], round(top) if known or most else 0)


def _drawn(points: list[str]) -> str:
    # A line of one point is not drawn; of the same point twice it is a dot.
    return " ".join(points if len(points) > 1 else points * 2)
