"""How often something may be guessed: counted in the database, before anything is compared (decision 0017)."""

import math
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network

import structlog
from django.db import transaction
from django.db.models import F

from instances import vault
from instances.models import SignInTries, database_now

logger = structlog.get_logger(__name__)

USE = "sign-in"
# Tries that cost nothing, by what they are counted for; an address may be that of a whole office.
FREE = {"name": 5, "device": 5, "factor": 5, "address": 50}
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
# After so long without a try, counting begins anew.
FORGOTTEN = timedelta(hours=1)
# Tries that were counted at the same time are counted one after the other.
TURNS = 20

Subject = tuple[str, str]


class TooManyTriesError(Exception):
    """Nothing was tried; `minutes` is how long to wait, rounded up."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"Too many tries; {minutes} minutes to wait.")
        self.minutes = minutes


def subject(kind: str, *parts: str) -> Subject:
    """Return what tries are counted for: its kind, and a keyed fingerprint of who or what it is."""
    return kind, vault.fingerprint("\n".join([kind, *parts]), USE)


def caller(address: str) -> Subject:
    """Return what one caller has at least: an address, or of version 6 the 64 bits before its own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return subject("address", address)
    is_network = parsed.version == 6
    whole = str(ip_network((parsed, 64), strict=False)) if is_network else address
    return subject("address", whole)


def count(*subjects: Subject) -> None:
    """
    Count one try for each; where one has to wait none is counted.

    :raises TooManyTriesError: one has to wait.
    """
    if waits := _count(subjects):
        logger.warning("nothing tried", seconds=round(waits.total_seconds()))
        raise TooManyTriesError(max(1, math.ceil(waits / timedelta(minutes=1))))


def _count(subjects: Sequence[Subject]) -> timedelta | None:
    with transaction.atomic():
        for kind, key in subjects:
            if waits := _count_one(key, FREE[kind]):
                transaction.set_rollback(True)
                return waits
    return None


def _count_one(key: str, free: int) -> timedelta | None:
    for _ in range(TURNS):
        fresh = dict.fromkeys(("last_at", "open_at"), database_now())
        row, _is_new = SignInTries.objects.get_or_create(pk=key, defaults=fresh)
        now = database_now()
        waits: timedelta = row.open_at - now
        if waits > timedelta():
            return waits
        before = 0 if now - row.last_at > FORGOTTEN else row.tries
        same = SignInTries.objects.filter(pk=key, tries=row.tries, last_at=row.last_at)
        if same.update(tries=before + 1, last_at=now, open_at=now + wait_after(before + 1, free)):
            return None
    return FIRST_WAIT


def wait_after(tries: int, free: int) -> timedelta:
    """Return how long nothing is tried after so many tries in a row that did not end well."""
    if tries < free:
        return timedelta()
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries - free, 20)))


def forget(own: Subject, where: Subject) -> None:
    """Forget the tries of what ended well, and this one of the address it came from."""
    SignInTries.objects.filter(pk=own[1]).delete()
    uncount(where)


def uncount(where: Subject) -> None:
    """Take one try back, which ended well, of an address that others may share."""
    SignInTries.objects.filter(pk=where[1], tries__gt=0).update(tries=F("tries") - 1)
