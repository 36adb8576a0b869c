"""How a command ends when it is not done: a code for programs, a sentence for people."""

import re
from enum import IntEnum

KEY = re.compile(r"edk_[0-9A-Za-z]+")


class Exit(IntEnum):
    """What the shell is told (docs/command-line.md)."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    REJECTED = 5
    NEEDS_PERSON = 6
    IN_PROGRESS = 7
    INTERRUPTED = 130


class NotDoneError(Exception):
    """The command ends here."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


class LostError(NotDoneError):
    """The request may have arrived, and no answer came that says so."""


def plain(text: object) -> str:
    """Return what may be shown on a terminal: one line, no control characters, no key."""
    shown = "".join(sign if sign.isprintable() else " " for sign in str(text))
    return KEY.sub("edk_…", shown)
