"""The inner half of bench/synchronization.py: one organization, compared with its account."""

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from bench import measure
from instances import operations
from instances.engine import searching
from instances.models import ListedInstance, Organization, Synchronization
from instances.models.upsert import KEPT
from instances.secret import Secret

ROWS_AT_ONCE = 200
# Each way in turn, so that whatever else the machine does falls on all of them.
ROUNDS = 2


def main() -> None:
    """Write one line of JSON: median seconds of each way, megabytes after a tenth and at the end."""
    call_command("migrate", verbosity=0, interactive=False)
    user, organization = (Secret(value) for value in json.loads(os.environ["BENCH_SECRETS"]))
    operations.create_organization(
        actor=None,
        name="Bench",
        base_url=os.environ["BENCH_BASE_URL"],
        secrets=operations.SecretPair(user, organization),
    )
    found: dict[str, float] = {}
    times: dict[str, list[float]] = {"first": [], "again": [], "bare": []}
    with _watched(found):
        times["first"].append(_compare())
    times["again"].append(_compare())
    # The bare way holds every line at once.
    found["memory_end"] = measure.memory(os.getpid())
    for _ in range(ROUNDS):
        times["bare"].append(_bare())
        ListedInstance.objects.all().delete()
        times["first"].append(_compare())
        times["again"].append(_compare())
    found |= {way: statistics.median(each) for way, each in times.items()}
    sys.stdout.write(json.dumps(found) + "\n")


@contextmanager
def _watched(found: dict[str, float]) -> Iterator[None]:
    """Note the memory when a tenth is listed."""
    over = threading.Event()
    watch = threading.Thread(target=_note_begin, args=(found, over))
    watch.start()
    yield
    over.set()
    watch.join()


def _note_begin(found: dict[str, float], over: threading.Event) -> None:
    tenth = int(os.environ["BENCH_NUMBER"]) // 10
    while not over.wait(0.02):
        if (begun := Synchronization.objects.first()) and begun.listed >= tenth:
            break
    found["memory_begin"] = measure.memory(os.getpid())
    connection.close()


def _compare() -> float:
    Organization.objects.update(audit_due_at=Now())
    began = time.monotonic()
    searching.run()
    done = Synchronization.objects.get()
    if done.problem or done.ended_at is None:
        raise ValueError(f"not compared: {done.problem}")
    return time.monotonic() - began


def _bare() -> float:
    rows = list(ListedInstance.objects.all())
    fields = ListedInstance._meta.concrete_fields
    written = [field.name for field in fields if field.column not in KEPT]
    ListedInstance.objects.all().delete()
    began = time.monotonic()
    for start in range(0, len(rows), ROWS_AT_ONCE):
        ListedInstance.objects.bulk_create(
            rows[start : start + ROWS_AT_ONCE],
            update_conflicts=True,
            unique_fields=["organization", "remote_id"],
            update_fields=written,
        )
    return time.monotonic() - began


if __name__ == "__main__":
    main()
