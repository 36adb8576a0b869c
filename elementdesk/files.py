"""Files that hold a secret: replaced as a whole, readable by nobody but their owner."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elementdesk.failures import Exit, NotDoneError

# Neither a shell nor a reader of environment files sees more in these than themselves.
BARE = re.compile(r"[A-Za-z0-9_+/=.:@%,-]+")


class Replacement:
    """What a file shall hold; until `write` it is as it was."""

    def __init__(self, path: Path, temporary: Path) -> None:
        self.path, self.temporary = path, temporary

    def write(self, content: bytes) -> None:
        """Put `content` in the place of the file, at once and for good."""
        with self.temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self.temporary.replace(self.path)


@contextmanager
def replacing(path: Path) -> Iterator[Replacement]:
    """
    Prepare a new content of mode 0600 beside `path`, so that what cannot be kept is not fetched.

    :raises NotDoneError: there is no room for it, or `path` is no file.
    """
    # Through a link, not in its place.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise NotDoneError(Exit.USAGE, f"{path} is not a file: name one.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        sentence = f"{path} cannot be written ({error.strerror}): name another place."
        raise NotDoneError(Exit.USAGE, sentence) from None
    os.close(handle)
    try:
        yield Replacement(target, Path(name))
    except OSError as error:
        sentence = f"{path} was not written ({error.strerror}): it is as it was."
        raise NotDoneError(Exit.USAGE, sentence) from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def read_bytes(path: Path) -> bytes:
    """
    Return what a file holds; nothing if there is none.

    :raises NotDoneError: it is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise NotDoneError(Exit.USAGE, f"{path} cannot be read ({error.strerror}).") from None


def read_given(path: str, kind: str) -> bytes:
    """
    Return what a file that was named holds, or standard input for `-`.

    :raises NotDoneError: there is nothing in it.
    """
    content = sys.stdin.buffer.read() if path == "-" else read_bytes(Path(path))
    if not content:
        sentence = f"There is nothing in {path}: name a file with {kind}."
        raise NotDoneError(Exit.USAGE, sentence)
    return content


def with_variable(content: bytes, name: str, value: str) -> bytes:
    """
    Return an environment file's content with `name` set; every other line is as it was.

    :raises NotDoneError: no reader of environment files would understand the value.
    """
    line = f"{name}={_quoted(value)}\n".encode()
    pattern = re.compile(rb"[ \t]*(?:export[ \t]+)?" + name.encode() + rb"[ \t]*=")
    kept: list[bytes] = []
    for old in content.splitlines(keepends=True):
        if not pattern.match(old):
            kept.append(old)
        elif line not in kept:
            kept.append(line)
    if line not in kept:
        if kept and not kept[-1].endswith((b"\n", b"\r")):
            kept[-1] += b"\n"
        kept.append(line)
    return b"".join(kept)


def _quoted(value: str) -> str:
    if BARE.fullmatch(value):
        return value
    if "'" in value or not value.isprintable():
        raise NotDoneError(
            Exit.USAGE, "The token does not fit into such a file: use standard output."
        )
    return f"'{value}'"
