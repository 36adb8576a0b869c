"""One's own account: password, address, the browsers in which one is signed in."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from instances import audit
from instances.models import Session


def change_password(*, actor: User, password: str, keep: str = "") -> None:
    """
    Change one's own password, which a form has found good; it ends every session but the one of row `keep`.
    """
    with transaction.atomic():
        actor.set_password(password)
        actor.save(update_fields=["password"])
        Session.objects.filter(user=actor).exclude(pk=keep).delete()
        audit.record(actor, "password.changed", actor)


def change_email(*, actor: User, email: str) -> None:
    """Change the address under which one's teammates and this server reach one; nobody proves it."""
    with transaction.atomic():
        before, actor.email = actor.email, email
        actor.save(update_fields=["email"])
        audit.record(actor, "email.changed", actor, before=before, after=email)


def end_session(*, actor: User, row: str) -> bool:
    """End one session of one's own; tell whether there was one."""
    return _end(actor, Session.objects.filter(user=actor, pk=row)) > 0


def end_other_sessions(*, actor: User, keep: str) -> int:
    """End every session of one's own but the one of row `keep`; return how many."""
    return _end(actor, Session.objects.filter(user=actor).exclude(pk=keep))


def _end(actor: User, sessions: QuerySet[Session]) -> int:
    with transaction.atomic():
        ended, _ = sessions.delete()
        if ended:
            audit.record(actor, "session.ended", actor, sessions=ended)
    return ended
