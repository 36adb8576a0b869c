"""How many requests a key made in the present minute, for all processes together."""

from typing import Any

from django.db import models
from django.db.models import Case, F, Value, When

from instances.models.api_key import ApiKey


class ApiUseQuerySet(models.QuerySet["ApiUse"]):
    """What is counted."""

    def count_one(self, key: ApiKey, minute: int) -> int:
        """Count a request in one statement, and return how many there are in that minute by now."""
        same = When(minute=minute, then=F("requests") + 1)
        one_more: dict[str, Any] = {"requests": Case(same, default=Value(1)), "minute": minute}
        if not self.filter(pk=key.pk).update(**one_more):
            self.bulk_create([ApiUse(key=key, minute=0)], ignore_conflicts=True)
            self.filter(pk=key.pk).update(**one_more)
        return self.values_list("requests", flat=True).get(pk=key.pk)


class ApiUse(models.Model):
    """The count of one key; apart from it, since it is written with each request."""

    key = models.OneToOneField(
        ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="use"
    )
    # Minutes since 1970.
    minute = models.PositiveBigIntegerField()
    requests = models.PositiveIntegerField(default=0)

    objects = ApiUseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.requests} requests"
