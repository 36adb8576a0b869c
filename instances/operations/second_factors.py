"""Second factors: add, remove, and check them; each try is counted before it is compared."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from instances import audit, one_time, vault
from instances.assurance import has_second_factor
from instances.models import AuditResult, FactorKind, RecoveryCode, SecondFactor
from instances.operations import tries
from instances.operations.signing_in import NOBODY
from instances.passkeys import NotProvenError, Place

CODES = 10
MOST_PASSKEYS = 20


class WrongCodeError(Exception):
    """What was shown proves nothing."""


@dataclass(frozen=True)
class Question:
    """What a browser is asked to sign, as JSON; `kept` goes into its session until the answer."""

    asked: str
    kept: Any = field(repr=False)


def begin_app(*, actor: User) -> SecondFactor:
    """Return an app's row, not usable before its first code; one that was begun and left is gone on with."""
    begun = SecondFactor.objects.filter(user=actor, kind=FactorKind.APP, confirmed_at=None).first()
    if begun is not None:
        return begun
    row = SecondFactor(user=actor, kind=FactorKind.APP, name="Authenticator app")
    row.secret = vault.seal(row, "secret", one_time.new_seed())
    row.save(force_insert=True)
    return row


def address_of(factor: SecondFactor) -> tuple[str, str]:
    """Return the seed of an app that is being added, and the address that the app reads."""
    seed = vault.open_sealed(factor, "secret", purpose=vault.Purpose.PROVE).reveal()
    return seed, one_time.app_address(seed, factor.user.get_username())


def confirm_app(*, actor: User, code: str, address: str) -> list[str]:
    """
    Take an app into use by its first code; return recovery codes if it is the first factor.

    An app from before is replaced.

    :raises TooManyTriesError: nothing is compared.
    :raises WrongCodeError: it is not its code.
    """
    own, where = tries.subject("factor", str(actor.pk)), tries.caller(address)
    tries.count(own, where)
    factor = begin_app(actor=actor)
    step = one_time.step_of(address_of(factor)[0], code)
    if step is None:
        raise WrongCodeError
    with transaction.atomic():
        tries.forget(own, where)
        SecondFactor.objects.usable().filter(user=actor, kind=FactorKind.APP).delete()
        SecondFactor.objects.filter(pk=factor.pk).update(
            confirmed_at=timezone.now(), last_step=step
        )
        return _added(actor, factor)


def ask_new_passkey(*, actor: User, place: Place) -> Question:
    """Return what the actor's browser is asked to make."""
    known = [secret for _row, secret in _passkeys(actor)]
    return Question(*place.ask_new(person=actor.pk, name=actor.get_username(), known=known))


def add_passkey(*, actor: User, place: Place, kept: Any, answer: str, name: str) -> list[str]:
    """
    Add a passkey by what the browser answered; return recovery codes if it is the first factor.

    :raises NotProvenError: the answer is not right.
    """
    if SecondFactor.objects.filter(user=actor, kind=FactorKind.PASSKEY).count() >= MOST_PASSKEYS:
        raise NotProvenError
    row = SecondFactor(user=actor, kind=FactorKind.PASSKEY, name=name, confirmed_at=timezone.now())
    row.secret = vault.seal(row, "secret", place.take_new(kept, answer))
    with transaction.atomic():
        row.save(force_insert=True)
        return _added(actor, row)


def _added(actor: User, factor: SecondFactor) -> list[str]:
    """Record it; a first one ends every session (the view keeps its own), and brings codes."""
    audit.record(actor, "second_factor.added", actor, kind=factor.kind, name=str(factor))
    is_first = (
        SecondFactor.objects.usable().filter(user=actor).count() == 1
        and not RecoveryCode.objects.filter(user=actor).exists()
    )
    return _make_codes(actor) if is_first else []


def remove_factor(*, actor: User, factor: SecondFactor) -> None:
    """Take a factor of one's own, or as an administrator, out of use; with the last one the codes go, too."""
    owner = factor.user
    with transaction.atomic():
        audit.record(actor, "second_factor.removed", owner, kind=factor.kind, name=str(factor))
        factor.delete()
        if not has_second_factor(owner):
            RecoveryCode.objects.filter(user=owner).delete()


def renew_codes(*, actor: User) -> list[str]:
    """Return ten new recovery codes; those from before are dead."""
    with transaction.atomic():
        audit.record(actor, "recovery_codes.renewed", actor)
        return _make_codes(actor)


def _make_codes(actor: User) -> list[str]:
    RecoveryCode.objects.filter(user=actor).delete()
    codes = [one_time.new_paper_code() for _ in range(CODES)]
    rows = [RecoveryCode(user=actor) for _ in codes]
    sealed = vault.seal_all(rows, "digest", [one_time.digest_of(code) for code in codes])
    for row, digest in zip(rows, sealed, strict=True):
        row.digest = digest
    RecoveryCode.objects.bulk_create(rows)
    return codes


def _passkeys(user: User) -> list[tuple[SecondFactor, str]]:
    rows = SecondFactor.objects.filter(user=user, kind=FactorKind.PASSKEY)
    why = vault.Purpose.PROVE
    return [(row, vault.open_sealed(row, "secret", purpose=why).reveal()) for row in rows]


def ask_passkey(*, user: User, place: Place) -> Question | None:
    """Return what a browser is asked to sign; None where the person has no passkey."""
    known = [secret for _row, secret in _passkeys(user)]
    return Question(*place.ask(known)) if known else None


def check_code(*, user: User, code: str, address: str) -> None:
    """
    Go on only if `code` is the app's present one, not taken before, or an unused recovery code.

    :raises TooManyTriesError: nothing is compared.
    :raises WrongCodeError: it is neither.
    """
    own, where = tries.subject("factor", str(user.pk)), tries.caller(address)
    tries.count(own, where)
    how = "app" if _take_app_code(user, code) else _take_paper_code(user, code)
    if not how:
        _record_refusal(user)
        raise WrongCodeError
    with transaction.atomic():
        tries.forget(own, where)
        audit.record(user, "second_factor.shown", user, how=how)


def _record_refusal(user: User) -> None:
    # Nobody knows yet who it was.
    audit.record(None, "second_factor.refused", user, result=AuditResult.REFUSED, by=NOBODY)


def _take_app_code(user: User, code: str) -> bool:
    factor = SecondFactor.objects.usable().filter(user=user, kind=FactorKind.APP).first()
    if factor is None:
        return False
    step = one_time.step_of(address_of(factor)[0], code)
    if step is None:
        return False
    # One statement, so that of two who show the same code at once one gets in.
    unused = Q(last_step=None) | Q(last_step__lt=step)
    taken = SecondFactor.objects.filter(unused, pk=factor.pk)
    return taken.update(last_step=step, used_at=timezone.now()) == 1


def _take_paper_code(user: User, code: str) -> str:
    digest, why = one_time.digest_of(code), vault.Purpose.PROVE
    for row in RecoveryCode.objects.filter(user=user, used_at=None):
        if vault.open_sealed(row, "digest", purpose=why).reveal() == digest:
            unused = RecoveryCode.objects.filter(pk=row.pk, used_at=None)
            return "recovery code" if unused.update(used_at=timezone.now()) else ""
    return ""


def check_passkey(*, user: User, place: Place, kept: Any, answer: str) -> None:
    """
    Go on only if one of the person's passkeys signed what was asked.

    :raises NotProvenError: none did.
    """
    known = {secret: row for row, secret in _passkeys(user)}
    try:
        factor = known[place.take(kept, list(known), answer)]
    except NotProvenError:
        _record_refusal(user)
        raise
    SecondFactor.objects.filter(pk=factor.pk).update(used_at=timezone.now())
    audit.record(user, "second_factor.shown", user, how="passkey")
