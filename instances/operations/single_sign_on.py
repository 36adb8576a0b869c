"""Let people in whom the provider has shown, and connect them with their accounts here."""

import re

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from instances import audit
from instances.models import AuditResult, ExternalIdentity, Installation
from instances.operations.signing_in import NOBODY
from instances.single_sign_on import Person, is_admitted

NAMES = 50


class NotAdmittedError(Exception):
    """The provider knows them; this server does not let them in. The message is for the person."""


class ConnectedElsewhereError(Exception):
    """This identity belongs to another account here."""


def sign_in_by_provider(*, person: Person, makes_people: bool) -> User:
    """
    Return the account that is connected with who came back; make one where that is wanted.

    An account that exists is never connected by its address alone: see decision 0021.

    :raises NotAdmittedError: nobody is signed in.
    """
    if not is_admitted(person):
        raise _refused("This server lets only some people of your provider in, and not you.")
    known = ExternalIdentity.objects.filter(issuer=person.issuer, subject=person.subject)
    identity = known.select_related("user").first()
    if identity is None:
        return _make(person, makes_people=makes_people)
    if not identity.user.is_active:
        raise _refused("Your account here is deactivated.")
    known.update(used_at=timezone.now(), email=person.email)
    return identity.user


def _make(person: Person, *, makes_people: bool) -> User:
    if person.email and User.objects.filter(email__iexact=person.email).exists():
        raise _refused(
            "There is an account with your address already. Sign in with its password, and connect "
            "it under Account."
        )
    if not makes_people:
        raise _refused("You have no account here yet. Ask an administrator to invite you.")
    with transaction.atomic():
        user = User(username=_free_name(person), email=person.email)
        user.set_unusable_password()
        user.save()
        ExternalIdentity.objects.create(
            user=user, issuer=person.issuer, subject=person.subject, email=person.email
        )
        audit.record(user, "person.added", user, how="single sign-on")
    return user


def _free_name(person: Person) -> str:
    wanted = person.name or person.email.partition("@")[0] or "person"
    plain = re.sub(r"[^\w.@+-]", "", wanted)[:140] or "person"
    for number in range(1, NAMES):
        name = plain if number == 1 else f"{plain}-{number}"
        if not User.objects.filter(username__iexact=name).exists():
            return name
    raise _refused("No user name is free for you. Ask an administrator to invite you.")


def _refused(text: str) -> NotAdmittedError:
    # Who it was is the provider's to say; here they are nobody.
    installation = Installation.current()
    audit.record(
        None,
        "sign_in.failed",
        installation,
        result=AuditResult.REFUSED,
        by=NOBODY,
        how="single sign-on",
    )
    return NotAdmittedError(text)


def connect_identity(*, actor: User, person: Person) -> None:
    """
    Connect one's own account with who came back from the provider.

    :raises NotAdmittedError: this server does not let them in.
    :raises ConnectedElsewhereError: another account has this identity.
    """
    if not is_admitted(person):
        raise NotAdmittedError(
            "This server lets only some people of your provider in, and not you."
        )
    kept = {"issuer": person.issuer, "subject": person.subject}
    try:
        with transaction.atomic():
            row, _is_new = ExternalIdentity.objects.get_or_create(
                **kept, defaults={"user": actor, "email": person.email}
            )
            if row.user_id != actor.pk:
                raise ConnectedElsewhereError
            audit.record(actor, "identity.connected", actor, issuer=person.issuer)
    except IntegrityError as error:
        raise ConnectedElsewhereError from error


def disconnect_identity(*, actor: User, identity: ExternalIdentity) -> None:
    """Take a connection of one's own away."""
    with transaction.atomic():
        audit.record(actor, "identity.disconnected", actor, issuer=identity.issuer)
        identity.delete()
