"""A worker tells that it is there, and when it goes."""

import os
import socket

from django.db import DatabaseError

from instances.models import Worker


def name() -> str:
    """Return what this worker is called: its host, and its first process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:200]


def tell() -> None:
    """Write down that this worker is there; forget those that have been gone for a day."""
    Worker.objects.tell(name())
    Worker.objects.forgotten().delete()


def leave() -> None:
    """Take this worker's row away; without a database it is missed after a while instead."""
    try:
        Worker.objects.filter(name=name()).delete()
    except DatabaseError:
        return
