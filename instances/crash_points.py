"""
Named steps at which a test may end or stop this very process: `reach("sent")`.

In production `reach` does nothing. It is armed by ELEMENTDESK_CRASH_AT, the path of a folder of
tickets, and only together with DEBUG: otherwise no process starts with that name set. A ticket is a
file named like a step, whose content is a signal's name, such as SIGKILL. The process that reaches
the step takes the ticket away and gets the signal: once for each ticket, whoever comes first.
tests/faults/README.md says which step is which.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

NAME = "ELEMENTDESK_CRASH_AT"


def pass_by(_step: str) -> None:
    """Do nothing: what `reach` is unless a test armed it."""


def take_ticket(step: str) -> None:
    """Send this process the signal that a ticket for `step` names, if there is one."""
    ticket = Path(os.environ[NAME], step)
    taken = ticket.with_name(f"{step}.taken-by-{os.getpid()}")
    try:
        ticket.rename(taken)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.Signals[taken.read_text().strip()])


def is_asked_for() -> bool:
    """Return whether the environment asks for crash points."""
    return bool(os.environ.get(NAME))


def is_refused() -> bool:
    """Return whether they are asked for where they must never be."""
    return is_asked_for() and not settings.DEBUG


def stop_if_refused() -> None:
    """End this process with exit code 78 (EX_CONFIG) if crash points are asked for in production."""
    if is_refused():
        sys.stderr.write(f"Elementdesk does not start: {NAME} is for tests, and needs DEBUG.\n")
        sys.stderr.flush()
        sys.exit(78)


reach: Callable[[str], None] = take_ticket if is_asked_for() and settings.DEBUG else pass_by
