"""Sign in and out, one's password: how often it may be tried, and the record of it (decision 0017)."""

import hmac
import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from instances import audit, vault
from instances.models import AuditResult, Installation
from instances.operations import tries

NOBODY = "somebody"


@dataclass(frozen=True)
class Try:
    """One try, which was counted before anything was compared."""

    name: str
    who: tries.Subject
    where: tries.Subject


def begin_sign_in(*, name: str, address: str, device: str = "") -> Try:
    """
    Count a try before the password is looked at, so that tries at the same time count too.

    `device` is what an earlier sign-in left in this browser. Where that was one of the same name, its
    tries are counted by themselves: guesses from elsewhere do not lock its owner out.

    :raises TooManyTriesError: nothing is compared.
    """
    number = _number_of(name, device)
    who = tries.subject("device" if number else "name", name, number)
    where = tries.caller(address)
    tries.count(who, where)
    return Try(name, who, where)


def fail_sign_in(tried: Try) -> None:
    """Record that a try did not end well; what was typed as a name is written only if it is one."""
    user = User.objects.filter(username=tried.name).first()
    target = user or Installation.current()
    audit.record(None, "sign_in.failed", target, result=AuditResult.REFUSED, by=NOBODY)


def pass_password(tried: Try) -> None:
    """Forget the tries of a password that was right; what comes next has tries of its own."""
    tries.forget(tried.who, tried.where)


def complete_sign_in(user: User, *, how: str) -> str:
    """Record that somebody signed in; return what the browser shall keep."""
    audit.record(user, "sign_in.done", user, how=how)
    number = secrets.token_hex(8)
    return f"{number}.{_mark(user.get_username(), number)}"


def _number_of(name: str, device: str) -> str:
    """Return the number of a device from which this name has signed in before; empty: it is none."""
    number, _, mark = device.partition(".")
    known = hmac.compare_digest(mark.encode(), _mark(name, number).encode())
    return number if known else ""


def _mark(name: str, number: str) -> str:
    return vault.fingerprint(f"known device\n{name}\n{number}", tries.USE)


def confirm_password(*, actor: User, password: str, address: str, device: str = "") -> bool:
    """
    Tell whether `password` is the actor's own, and record it; counted as tries to sign in are.

    :raises TooManyTriesError: nothing is compared.
    """
    tried = begin_sign_in(name=actor.get_username(), address=address, device=device)
    if not actor.check_password(password):
        audit.record(actor, "identity.refused", actor, result=AuditResult.REFUSED)
        return False
    with transaction.atomic():
        tries.forget(tried.who, tried.where)
        audit.record(actor, "identity.confirmed", actor, how="password")
    return True


def sign_out(user: User) -> None:
    """Record that somebody signs out."""
    audit.record(user, "sign_out.done", user)
