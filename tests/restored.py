"""The mark of the fence, as time passes and backups come back."""

from instances import fence
from instances.models import Installation


def mark() -> int:
    return Installation.current().mark


def copied() -> int:
    return int(fence.path().read_text().split()[1])


def later() -> None:
    """More than a second passes, as far as the fence knows."""
    fence._kept_at.clear()


def keep_again() -> None:
    later()
    fence.keep()


def restore(to: int) -> None:
    """Put the mark of an older backup back."""
    Installation.objects.update(mark=to)
    later()


def is_fenced() -> bool:
    return Installation.current().fenced_at is not None
