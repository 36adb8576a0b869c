"""Which workers are there, so that a queue that nobody works on can be told from a busy one."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

# A worker tells of itself at each sweep; one that missed so many is taken for gone.
MISSED = 6
LEAST = timedelta(seconds=30)
KEPT = timedelta(days=1)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Questions asked of workers."""

    def alive(self) -> "WorkerQuerySet":
        """Those that told of themselves lately, by the database's clock."""
        lately = max(timedelta(seconds=MISSED * settings.ENGINE["SWEEP_SECONDS"]), LEAST)
        return self.filter(seen_at__gte=Now() - lately)

    def forgotten(self) -> "WorkerQuerySet":
        """Those that have been gone for so long that nobody asks for them."""
        return self.filter(seen_at__lt=Now() - KEPT)

    def tell(self, name: str) -> None:
        """Write down that the worker of this name is there now."""
        if not self.filter(name=name).update(seen_at=Now()):
            self.bulk_create([Worker(name=name)], ignore_conflicts=True)


class Worker(models.Model):
    """One worker, with all of its processes, as it last told of itself."""

    # Host and process: unique among those that are there at the same time.
    name = models.CharField(max_length=200, primary_key=True)
    began_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
