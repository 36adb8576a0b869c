"""Sign in and out, one's password: how often it may be tried, and the record of it (decision 0017)."""

import hmac
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from instances import audit, vault
from instances.models import AuditResult, Installation, SignInTries, database_now

logger = structlog.get_logger(__name__)

USE = "sign-in"
NOBODY = "somebody"
# Tries that cost nothing, by what they are counted for; an address may be that of a whole office.
FREE = {"name": 5, "device": 5, "address": 50}
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
# After so long without a try, counting begins anew.
FORGOTTEN = timedelta(hours=1)
# Tries that were counted at the same time are counted one after the other.
TURNS = 20


class TooManyTriesError(Exception):
    """Nothing was tried; `minutes` is how long to wait, rounded up."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"Too many tries; {minutes} minutes to wait.")
        self.minutes = minutes


@dataclass(frozen=True)
class Try:
    """One try, which was counted before anything was compared; `who` and `where` are fingerprints."""

    name: str
    who: str
    where: str


def begin_sign_in(*, name: str, address: str, device: str = "") -> Try:
    """
    Count a try before the password is looked at, so that tries at the same time count too.

    `device` is what an earlier sign-in left in this browser. Where that was one of the same name, its
    tries are counted by themselves: guesses from elsewhere do not lock its owner out.

    :raises TooManyTriesError: nothing is compared.
    """
    number = _number_of(name, device)
    kind = "device" if number else "name"
    who = vault.fingerprint(f"{kind}\n{name}\n{number}", USE)
    where = vault.fingerprint(f"address\n{_network(address)}", USE)
    waits = _count([(who, FREE[kind]), (where, FREE["address"])])
    if waits:
        logger.warning("sign-in not tried", seconds=round(waits.total_seconds()))
        raise TooManyTriesError(max(1, math.ceil(waits / timedelta(minutes=1))))
    return Try(name, who, where)


def _network(address: str) -> str:
    """Return what one caller has at least: an address, or of version 6 the 64 bits before its own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _count(subjects: Sequence[tuple[str, int]]) -> timedelta | None:
    """Count one try for each; where one has to wait none is counted, and for how long is returned."""
    with transaction.atomic():
        for key, free in subjects:
            if waits := _count_one(key, free):
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


def fail_sign_in(tried: Try) -> None:
    """Record that a try did not end well; what was typed as a name is written only if it is one."""
    user = User.objects.filter(username=tried.name).first()
    target = user or Installation.current()
    audit.record(None, "sign_in.failed", target, result=AuditResult.REFUSED, by=NOBODY)


def complete_sign_in(tried: Try, user: User) -> str:
    """Record that somebody signed in, and forget their tries; return what the browser shall keep."""
    with transaction.atomic():
        SignInTries.objects.filter(pk=tried.who).delete()
        here = SignInTries.objects.filter(pk=tried.where, tries__gt=0)
        here.update(tries=F("tries") - 1)
        audit.record(user, "sign_in.done", user)
    number = secrets.token_hex(8)
    return f"{number}.{_mark(tried.name, number)}"


def _number_of(name: str, device: str) -> str:
    """Return the number of a device from which this name has signed in before; empty: it is none."""
    number, _, mark = device.partition(".")
    known = hmac.compare_digest(mark.encode(), _mark(name, number).encode())
    return number if known else ""


def _mark(name: str, number: str) -> str:
    return vault.fingerprint(f"known device\n{name}\n{number}", USE)


def sign_out(user: User) -> None:
    """Record that somebody signs out."""
    audit.record(user, "sign_out.done", user)


def change_password(*, actor: User, password: str) -> None:
    """Change one's own password, which a form has found good."""
    with transaction.atomic():
        actor.set_password(password)
        actor.save(update_fields=["password"])
        audit.record(actor, "password.changed", actor)
