"""How many requests a key may make: counted in the database, so for all processes together."""

import time
from dataclasses import dataclass

from django.conf import settings

from instances.models import ApiKey, ApiUse

SECONDS = 60


@dataclass(frozen=True)
class Allowance:
    """What is left of a key's requests in the present minute."""

    most: int
    left: int
    seconds: int

    @property
    def is_spent(self) -> bool:
        """Whether this request is one too many."""
        return self.left < 0

    def headers(self) -> dict[str, str]:
        """Return what a program is told (draft-ietf-httpapi-ratelimit-headers)."""
        told = {
            "RateLimit-Policy": f'"key";q={self.most};w={SECONDS}',
            "RateLimit": f'"key";r={max(0, self.left)};t={self.seconds}',
        }
        return told | ({"Retry-After": str(self.seconds)} if self.is_spent else {})


def count_request(key: ApiKey) -> Allowance:
    """Count a request of `key`; whether it was one too many is told, not raised."""
    now = int(time.time())
    used = ApiUse.objects.count_one(key, now // SECONDS)
    most = settings.API["PER_MINUTE"]
    return Allowance(most, most - used, SECONDS - now % SECONDS)
