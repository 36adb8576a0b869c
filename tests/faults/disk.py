"""A disk of its own under the database: it can be full, die, or let nobody write any more."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.ground import NotHereError
from tests.faults.processes import wait_until
from tests.faults.stack import Stack

MEGABYTE = 2**20
# What ext4 does when it is told to shut down: nothing is written any more, the journal neither.
SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
NAME = "filler"
_mounted: list[Path] = []


class Disk:
    """A file system in memory, as large as it is made."""

    def __init__(self, megabytes: int) -> None:
        self.megabytes = megabytes
        self.folder = Path()

    def mount(self, folder: Path) -> None:
        """
        Lie under this folder from now on, empty.

        :raises NotHereError: nobody here may mount, or the machine cannot.
        """
        owner = folder.stat()
        self._mount(folder)
        self.folder = folder
        _mounted.append(folder)
        os.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(owner.st_mode & 0o777)

    def _mount(self, folder: Path) -> None:
        run("mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m", "none", folder)

    def unmount(self) -> None:
        """Lie there no more; whoever has a file open there must have ended."""
        if not wait_until(lambda: _is_done("umount", self.folder), 20, 0.5):
            run("umount", self.folder)
        _mounted.remove(self.folder)

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Leave no room; again, if some was freed meanwhile."""
        with suppress(OSError), (self.folder / NAME).open("ab", buffering=0) as filler:
            while filler.write(bytes(MEGABYTE)):
                pass
        with suppress(OSError), (self.folder / NAME).open("ab", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass

    def make_room(self) -> None:
        """Take away what fills it."""
        (self.folder / NAME).unlink()


class DyingDisk(Disk):
    """A file system in an image, which has a journal, as disks have."""

    def __init__(self, megabytes: int, image: Path) -> None:
        super().__init__(megabytes)
        self._image = image
        with image.open("wb") as made:
            made.truncate(megabytes * MEGABYTE)

    def _mount(self, folder: Path) -> None:
        run("mkfs.ext4", "-q", "-F", "-m", "0", self._image)
        self._attach(folder)

    def _attach(self, folder: Path) -> None:
        run("mount", "-o", "loop,errors=remount-ro", self._image, folder)

    def die(self) -> None:
        """Fail every write and every fsync from now on; what was not synced is lost."""
        opened = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(opened, SHUTDOWN, NO_LOG_FLUSH.to_bytes(4, "little"))
        finally:
            os.close(opened)

    def refuse_writing(self) -> None:
        """Be read-only from now on, as after an error that the file system met."""
        device = _output("findmnt", "-n", "-o", "SOURCE", self.folder).strip()
        Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("1")

    def repair(self) -> None:
        """Check it and mount it again, as a machine does that starts again."""
        run("umount", self.folder)
        # Its code tells whether something was mended, which is what it is for.
        _is_done("e2fsck", "-p", "-f", self._image)
        self._attach(self.folder)


@contextmanager
def under_database(stack: Stack, disk: Disk) -> Iterator[None]:
    """Let the database lie on that disk meanwhile."""
    folder = stack.database_folder
    aside = folder.with_name(f"{folder.name}-aside")
    with stack.database_away():
        _copy(folder, aside)
        try:
            disk.mount(folder)
            _copy(aside, folder)
            # A disk that dies loses what was not written to it yet.
            run("sync", "-f", folder)
        finally:
            shutil.rmtree(aside)
    try:
        yield
    finally:
        with stack.database_away():
            _copy(folder, aside)
            disk.unmount()
            _empty(folder)
            _copy(aside, folder)
            shutil.rmtree(aside)


def size_of(folder: Path) -> int:
    """Return how many megabytes lie in a folder."""
    return int(_output("du", "-sm", folder).split()[0])


def leave() -> None:
    """Leave no mount behind when a run is broken off."""
    for folder in _mounted:
        _is_done("umount", "-l", folder)


def run(*command: object) -> None:
    """
    Run a command of the system.

    :raises NotHereError: there is none of that name, or it is refused.
    """
    try:
        ended = subprocess.run([*map(str, command)], capture_output=True, text=True)
    except OSError as error:
        raise NotHereError(f"{command[0]}: {error.strerror}") from error
    if ended.returncode:
        raise NotHereError(f"{command[0]}: {ended.stderr.strip()}")


def _is_done(*command: object) -> bool:
    try:
        run(*command)
    except NotHereError:
        return False
    return True


def _output(*command: object) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


def _copy(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    run("cp", "-a", f"{source}/.", target)


def _empty(folder: Path) -> None:
    for one in folder.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()
