"""The chain's head, kept where whoever changes the database cannot reach it: what was cut off shows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import structlog
from django.conf import settings

from instances.models import AuditSeal

logger = structlog.get_logger(__name__)

# The day for which each file is known to have its line.
_published: dict[Path, date] = {}


@dataclass(frozen=True)
class Head:
    """The newest seal at some time: its position, and its mark."""

    position: int
    mac: str

    def __str__(self) -> str:
        return f"{self.position}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """
        Read `position:mark`.

        :raises ValueError: it is none.
        """
        position, _, mac = text.partition(":")
        if not position.isdecimal() or not mac:
            raise ValueError(f"{text!r} is no head, which looks like 12:k1.0f3a…")
        return cls(int(position), mac)


def path() -> Path | None:
    """Return the file that takes the heads; None where none is set."""
    name = settings.AUDIT["HEADS_FILE"]
    return Path(settings.BASE_DIR, name) if name else None


def publish() -> bool:
    """Append today's head to the file, once a day; True if a line was written."""
    file, today = path(), datetime.now(UTC).date()
    if file is None or _published.get(file) == today:
        return False
    newest = AuditSeal.objects.newest()
    if newest is None:
        return False
    try:
        is_new = not _has_line_of(file, today)
        if is_new:
            _append(file, f"{today.isoformat()} {Head(newest.position, newest.mac)}\n")
    except (OSError, ValueError) as error:
        logger.error("the head of the audit chain is not published", error=str(error))
        return False
    _published[file] = today
    return is_new


def published() -> list[Head]:
    """
    Return the heads in the file, oldest first; nothing where no file is set or it is not there yet.

    :raises ValueError: a line is no head.
    """
    file = path()
    if file is None or not file.exists():
        return []
    return [Head.parse(line.split()[-1]) for line in file.read_text().splitlines() if line.strip()]


def _has_line_of(file: Path, day: date) -> bool:
    return file.exists() and f"\n{day.isoformat()} " in "\n" + file.read_text()


def _append(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(line)
