"""The inner half of bench/synchronization.py: one organization, compared with its account."""

import json
import os
import sys
import time

from django.core.management import call_command
from django.db.models.functions import Now

from bench import measure
from instances import operations
from instances.engine import searching
from instances.engine.synchronization import WRITTEN, Comparison
from instances.models import ListedInstance, Organization, Synchronization
from instances.secret import Secret

ROWS_AT_ONCE = 200


def main() -> None:
    """Write one line of JSON: seconds of each way, megabytes after a tenth and at the end."""
    call_command("migrate", verbosity=0, interactive=False)
    user, organization = (Secret(value) for value in json.loads(os.environ["BENCH_SECRETS"]))
    operations.create_organization(
        actor=None,
        name="Bench",
        base_url=os.environ["BENCH_BASE_URL"],
        secrets=operations.SecretPair(user, organization),
    )
    found: dict[str, float] = {}
    _watch_memory(found)
    found["first"] = _compare()
    found["again"] = _compare()
    found["memory_end"] = measure.memory(os.getpid())
    found["bare"] = _bare()
    sys.stdout.write(json.dumps(found) + "\n")


def _watch_memory(found: dict[str, float]) -> None:
    whole = Comparison.take_in

    def watched(self: Comparison, page: object) -> None:
        whole(self, page)  # type: ignore[arg-type]
        if "memory_begin" not in found and Synchronization.objects.get().listed > 10_000:
            found["memory_begin"] = measure.memory(os.getpid())

    Comparison.take_in = watched  # type: ignore[method-assign]


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
    ListedInstance.objects.all().delete()
    began = time.monotonic()
    for start in range(0, len(rows), ROWS_AT_ONCE):
        ListedInstance.objects.bulk_create(
            rows[start : start + ROWS_AT_ONCE],
            update_conflicts=True,
            unique_fields=["organization", "remote_id"],
            update_fields=WRITTEN,
        )
    return time.monotonic() - began
