"""
The restore fence: a database that is older than what was sent sends nothing.

The database holds a mark that is raised while work is done, a file beside it holds a copy. A mark
lower than its copy means that a backup was restored (docs/decisions/0006-restore-fence.md).
"""

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from instances import audit
from instances.models import Installation

logger = structlog.get_logger(__name__)

# Older than this, and the mark is raised before anything more is sent.
FRESH_SECONDS = 1.0
LOCK_SECONDS = 2.0
TELL_SECONDS = 60.0
RESTORED = (
    "The database is older than what was sent to the platform: a backup was restored, or the copy "
    "of its mark at {path} was lost. Nothing is sent, so that nothing is created twice, until "
    "somebody runs: manage.py after_restore"
)

_keeping = threading.Lock()
# When each file was last known to hold a mark of this database, by a clock nobody sets.
_kept_at: dict[Path, float] = {}
_told_at: dict[str, float] = {}


class FenceError(Exception):
    """Nothing may be sent; the text says why and what to do."""


@dataclass(frozen=True)
class Copy:
    """What the file holds: the installation's code, and the mark as it was when last copied."""

    code: str
    mark: int


def path() -> Path:
    """Return where the copy is kept: never in the same backup as the database."""
    return Path(settings.BASE_DIR, settings.FENCE_FILE)


def may_send() -> bool:
    """Tell whether anything may be sent now, having raised the mark; log why if not."""
    try:
        keep()
    except FenceError as error:
        _tell(str(error))
        return False
    return True


def _tell(reason: str) -> None:
    """Log it now and then, not with each claim that is not made."""
    now = time.monotonic()
    if now - _told_at.get(reason, -TELL_SECONDS) >= TELL_SECONDS:
        _told_at[reason] = now
        logger.error("nothing is sent", reason=reason)


def keep() -> None:
    """
    Raise the mark, in the database first and then in the file, unless both were within a second.

    :raises FenceError: a backup was restored, or the copy cannot be kept.
    """
    file = path()
    with _keeping:
        now = time.monotonic()
        if now - _kept_at.get(file, -FRESH_SECONDS) < FRESH_SECONDS:
            return
        _write_later(file, _raise_mark(file))
        _kept_at[file] = now


def is_restored() -> bool:
    """
    Tell whether a backup was restored and nobody has looked after it; changes nothing.

    :raises FenceError: the copy cannot be read, or is another installation's.
    """
    row = Installation.objects.filter(pk=1).first()
    if row is None or row.fenced_at is not None:
        return row is not None
    copy = _read(path())
    if not _is_behind(row, copy):
        return False
    # A worker may have raised both since the row was read: the row first, so that one read now tells.
    row = Installation.objects.filter(pk=1).first()
    return row is not None and (row.fenced_at is not None or _is_behind(row, copy or _read(path())))


def trouble() -> str:
    """Return why nothing may be sent, "" if it may; changes nothing."""
    try:
        return RESTORED.format(path=path()) if is_restored() else unkept()
    except FenceError as error:
        return str(error)


def unkept() -> str:
    """Return why the copy cannot be written, "" if it seems that it can; writes nothing."""
    file = path()
    folder = next(folder for folder in file.parents if os.access(folder, os.F_OK))
    is_readable = os.access(file, os.R_OK) or not os.access(file, os.F_OK)
    if os.access(folder, os.W_OK | os.X_OK) and is_readable:
        return ""
    return f"{file} cannot be written: set ELEMENTDESK_FENCE_FILE to a place that can be."


@contextmanager
def opened_again() -> Iterator[None]:
    """
    Open the fence in one transaction with what the caller does, once the copy is written.

    :raises FenceError: the copy cannot be read, is another installation's, or cannot be written.
    """
    file = path()
    copy = _read(file)
    with transaction.atomic():
        row = Installation.objects.select_for_update().get(pk=Installation.current().pk)
        yield
        row.mark = max(row.mark, _mark_of(row, copy)) + 1
        row.fenced_at = None
        row.save(update_fields=["mark", "fenced_at"])
        # Before the end of it: a lost file would close the fence again right after.
        _write_later(file, Copy(row.code, row.mark))


def _raise_mark(file: Path) -> Copy:
    # The file before the row: whatever the file holds was in the row first.
    copy = _read(file)
    row = Installation.current()
    # Without a copy: perhaps the very first one was written between these two reads.
    copy = copy or _read(file)
    if row.fenced_at or _is_behind(row, copy):
        _close(row, copy)
        raise FenceError(RESTORED.format(path=file))
    mark = _mark_of(row, copy)
    if copy is None or copy.code != row.code:
        # Before the mark is more than 0, or a crash right here would look like a lost file.
        _write_later(file, Copy(row.code, 0))
    return _one_more(row, mark)


def _one_more(row: Installation, mark: int) -> Copy:
    """Raise the mark unless a backup is restored at this very moment."""
    held = Installation.objects.filter(pk=row.pk, code=row.code, mark__gte=mark)
    if not held.update(mark=F("mark") + 1):
        raise FenceError("The database changed while its mark was raised; this is tried again.")
    return Copy(row.code, held.values_list("mark", flat=True).get())


def _is_behind(row: Installation, copy: Copy | None) -> bool:
    if copy is None or (copy.code != row.code and not row.mark):
        return row.mark > 0
    return row.mark < _mark_of(row, copy)


def _mark_of(row: Installation, copy: Copy | None) -> int:
    """
    Return the mark in the copy, 0 if there is none or it was left by a database before this one.

    :raises FenceError: it belongs to another installation, which still may be at work.
    """
    if copy is None:
        return 0
    if copy.code == row.code:
        return copy.mark
    if row.mark:
        raise FenceError(
            f"{path()} belongs to another installation of Elementdesk. Each needs a file of its "
            "own: set ELEMENTDESK_FENCE_FILE."
        )
    return 0


def _close(row: Installation, copy: Copy | None) -> None:
    # With another mark it was opened again since it was read, and is not behind any more.
    behind = Installation.objects.filter(pk=row.pk, mark=row.mark, fenced_at=None)
    with transaction.atomic():
        if behind.update(fenced_at=Now()):
            audit.record(
                None,
                "installation.fenced",
                row,
                mark=row.mark,
                copied_mark=copy.mark if copy else None,
            )


def _read(file: Path) -> Copy | None:
    try:
        code, mark = file.read_text().split()
        return Copy(code, int(mark))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FenceError(f"{file} cannot be read, and nothing is sent without it.") from error


def _write_later(file: Path, copy: Copy) -> None:
    """Write the copy unless the file already holds a later one."""
    with _locked(file):
        present = _read(file)
        if present is None or present.code != copy.code or present.mark < copy.mark:
            _write(file, copy)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep other processes from writing; not for ever, should one of them be stopped meanwhile."""
    give_up = time.monotonic() + LOCK_SECONDS
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FenceError(f"{file} cannot be written, and nothing is sent without it.") from error
    try:
        while not _is_taken(lock):
            if time.monotonic() > give_up:
                raise FenceError(f"{file} is held by another process; this is tried again.")
            time.sleep(0.01)
        yield
    finally:
        os.close(lock)


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: Path, copy: Copy) -> None:
    """Replace the file at once, and wait until the disk has it."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(descriptor, "w") as draft:
            draft.write(f"{copy.code} {copy.mark}\n")
            draft.flush()
            os.fsync(draft.fileno())
        Path(name).replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise FenceError(f"{file} cannot be written, and nothing is sent without it.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
