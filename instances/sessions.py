"""Sessions in the database, under a hash of what the browser holds: a dump signs nobody in."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.utils import timezone


def stored_as(session_key: str) -> str:
    """Return the name of a session's row: 160 bits, as wide as Django's column."""
    return hashlib.blake2b(session_key.encode(), digest_size=20).hexdigest()


class SessionStore(db.SessionStore):
    """Django's store; the key of the cookie itself is never written."""

    def _get_session_from_db(self) -> Session | None:
        rows = Session.objects.filter(expire_date__gt=timezone.now())
        row = rows.filter(session_key=stored_as(self.session_key or "")).first()
        if row is None:
            self._session_key = None
        return row

    def create_model_instance(self, data: Any) -> Any:
        row = super().create_model_instance(data)
        row.session_key = stored_as(row.session_key)
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_as(session_key))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(stored_as(key))

    # Django's own of these would write the plain key; those of the base call the methods above.
    aload = SessionBase.aload
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    aexists = SessionBase.aexists
    adelete = SessionBase.adelete
