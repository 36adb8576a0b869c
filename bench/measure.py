"""What the operating system says: CPU and memory of a process and all of its children."""

import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """Return the process and all of its children."""
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def cpu(pid: int) -> float:
    """Return the CPU seconds spent so far, ended children included."""
    return sum(sum(each.cpu_times()[:4]) for each in tree(pid))


def memory(pid: int) -> float:
    """Return the proportional share of memory (PSS), in MB of 10^6 bytes."""
    return float(sum(each.memory_full_info().pss for each in tree(pid)) / 1e6)


def machine() -> str:
    """Describe this machine in a line."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    total = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores ({model}), {total:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, and the range if there were several runs."""
    middle = f"{statistics.median(values):.{digits}f}"
    if len(values) < 2:
        return middle
    return f"{middle} ({min(values):.{digits}f} - {max(values):.{digits}f})"
