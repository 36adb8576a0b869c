"""Look after the key ring: make, add, promote, reseal, retire, check."""

import base64
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from instances import vault
from instances.vault import KeyRing, KeyRingError, UnreadableError, keyring, rotation
from instances.vault.rotation import KeyInUseError

PROBLEM, USAGE, UNUSABLE = 1, 2, 3
EPILOG = (
    "Exit codes: 0 done, 1 values do not open or a key is still in use, 2 wrong usage, 3 the key "
    "ring cannot be read or written. A ring given as ELEMENTDESK_KEYRING is not written: the value "
    "to set is printed instead. docs/operations/keys.md tells the order of a rotation."
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Command(BaseCommand):
    """One subcommand for each step; each is safe to stop and to repeat."""

    help = "Make the key ring, change keys, seal stored values again, check that they open."
    # A ring that does not fit is what this command is there to mend.
    requires_system_checks: list[str] = []

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, epilog=EPILOG, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.set_defaults(file=None)
        steps = parser.add_subparsers(dest="step", required=True)
        for name, (step, meaning) in STEPS.items():
            sub = steps.add_parser(name, help=meaning, description=meaning)
            sub.set_defaults(run=step)
            sub.add_argument("--file", type=Path, help="default: ELEMENTDESK_KEYRING_FILE")
            if name in ("promote", "retire"):
                sub.add_argument("key_id", metavar="ID")

    def handle(self, **options: Any) -> None:
        try:
            options["run"](self, options["file"], options.get("key_id"))
        except (KeyRingError, UnreadableError) as error:
            raise CommandError(str(error), returncode=UNUSABLE) from error
        except OSError as error:
            sentence = f"{error.filename} cannot be written: {error.strerror}."
            raise CommandError(sentence, returncode=UNUSABLE) from error


def make(command: Command, file: Path | None, _key_id: None) -> None:
    """Make a key ring with one key; an existing file is never overwritten."""
    path = file or _configured_file()
    if settings.VAULT["KEYRING"] and file is None:
        raise CommandError("ELEMENTDESK_KEYRING is set already: use add.", returncode=USAGE)
    key_id = _new_id({})
    ring = KeyRing(key_id, {key_id: os.urandom(32)})
    if path is None:
        _print(command, ring)
        return
    try:
        _write_new(path, ring)
    except FileExistsError:
        raise CommandError(
            f"{path} exists and is left alone: use add for another key.", returncode=UNUSABLE
        ) from None
    command.stdout.write(f"Made {path} with the key {key_id}. Keep a copy apart from the database.")


def add(command: Command, file: Path | None, _key_id: None) -> None:
    """Add a new key that opens but does not seal yet."""
    ring = _ring(file)
    key_id = _new_id(ring.keys)
    _keep(command, file, KeyRing(ring.primary, {**ring.keys, key_id: os.urandom(32)}))
    command.stdout.write(
        f"Added {key_id}; it does not seal yet. Next: restart every process, then "
        f"key_ring promote {key_id}."
    )


def promote(command: Command, file: Path | None, key_id: str) -> None:
    """Make a key of the ring the one that seals."""
    ring = _ring(file)
    _known(ring, key_id)
    _keep(command, file, KeyRing(key_id, ring.keys))
    command.stdout.write(f"{key_id} is primary. Next: restart every process, then key_ring reseal.")


def reseal(command: Command, file: Path | None, _key_id: None) -> None:
    """Seal every stored value of another key again with the primary one."""
    ring = _ring(file)
    keyring.verify(ring)
    command.stdout.write(f"Sealed {rotation.reseal(ring)} values again with {ring.primary}.")


def retire(command: Command, file: Path | None, key_id: str) -> None:
    """Take a key out of the ring, once nothing stored is sealed with it."""
    ring = _ring(file)
    _known(ring, key_id)
    if key_id == ring.primary:
        raise CommandError(f"{key_id} is the primary key: promote another first.", returncode=USAGE)
    try:
        rotation.retire(key_id)
    except KeyInUseError as error:
        raise CommandError(str(error), returncode=PROBLEM) from error
    left = {name: key for name, key in ring.keys.items() if name != key_id}
    _keep(command, file, KeyRing(ring.primary, left))
    command.stdout.write(
        f"{key_id} has left the ring. Keep it with the backups made while it was in use."
    )


def check(command: Command, file: Path | None, _key_id: None) -> None:
    """Count stored values by key, and name every one that does not open."""
    ring = _ring(file)
    for key_id, count in sorted(rotation.count_by_key().items()):
        command.stdout.write(f"{key_id}: {count} values")
    problems = [*_misfit(ring), *rotation.find_unreadable(ring)]
    for problem in problems:
        command.stderr.write(problem)
    if problems:
        raise CommandError("Not everything opens.", returncode=PROBLEM)
    command.stdout.write(f"Everything opens. {ring.primary} seals.")


Step = Callable[[Command, Path | None, Any], None]
STEPS: dict[str, tuple[Step, str]] = {
    step.__name__: (step, step.__doc__ or "")
    for step in (make, add, promote, reseal, retire, check)
}


def _configured_file() -> Path | None:
    name = settings.VAULT["KEYRING_FILE"]
    return Path(name) if name else None


def _ring(file: Path | None) -> KeyRing:
    if file is None:
        return vault.read_ring()
    try:
        return vault.parse_ring(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRingError(f"The key ring file {file} cannot be read.") from error


def _known(ring: KeyRing, key_id: str) -> None:
    if key_id not in ring.keys:
        held = ", ".join(sorted(ring.keys))
        raise CommandError(f"The ring has no key {key_id!r}; it has {held}.", returncode=USAGE)


def _misfit(ring: KeyRing) -> list[str]:
    try:
        keyring.verify(ring)
    except KeyRingError as error:
        return [str(error)]
    return []


def _new_id(taken: dict[str, bytes]) -> str:
    day = f"k{timezone.now():%Y%m%d}"
    free = [day + letter for letter in LETTERS if day + letter not in taken]
    if not free:
        raise CommandError("26 keys were added today already.", returncode=USAGE)
    return free[0]


def _text(ring: KeyRing, **layout: Any) -> str:
    keys = {key_id: base64.b64encode(key).decode() for key_id, key in ring.keys.items()}
    return json.dumps({"primary": ring.primary, "keys": keys}, **layout)


def _keep(command: Command, file: Path | None, ring: KeyRing) -> None:
    path = file or _configured_file()
    if path is None:
        _print(command, ring)
    else:
        _replace(path, ring)


def _print(command: Command, ring: KeyRing) -> None:
    command.stdout.write(f"ELEMENTDESK_KEYRING={_text(ring, separators=(',', ':'))}")


def _draft(path: Path, ring: KeyRing) -> Path:
    """Write the ring beside its place, mode 0600, and wait until the disk has it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".keyring-")
    with os.fdopen(descriptor, "w") as draft:
        draft.write(_text(ring, indent=2) + "\n")
        draft.flush()
        os.fsync(draft.fileno())
    return Path(name)


def _write_new(path: Path, ring: KeyRing) -> None:
    draft = _draft(path, ring)
    try:
        # A link, unlike a rename, fails if somebody else was first.
        path.hardlink_to(draft)
    finally:
        draft.unlink()


def _replace(path: Path, ring: KeyRing) -> None:
    owner = path.stat()
    draft = _draft(path, ring)
    if os.geteuid() == 0:
        os.chown(draft, owner.st_uid, owner.st_gid)
    draft.replace(path)
