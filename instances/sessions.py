"""Sessions in the database, under a hash of what the browser holds: a dump signs nobody in."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from instances.models import Session, stored_as

# How exactly "last seen" is known; finer would be a write for each page.
SEEN_EVERY = timedelta(minutes=1)


def _address() -> str:
    return str(structlog.contextvars.get_contextvars().get("address", ""))[:45]


class SessionStore(db.SessionStore):
    """Django's store; the key of the cookie itself is never written, and no session lasts for ever."""

    @classmethod
    def get_model_class(cls) -> Any:
        """Return our own rows, which tell people where they are signed in."""
        return Session

    def _get_session_from_db(self) -> Session | None:
        row = Session.objects.alive().filter(pk=stored_as(self.session_key or "")).first()
        if row is None:
            self._session_key = None
        elif timezone.now() - row.seen_at > SEEN_EVERY:
            seen = {"seen_at": timezone.now(), "address": _address()}
            Session.objects.filter(pk=row.pk).update(**seen)
        return row

    def create_model_instance(self, data: Any) -> Any:
        started = data.setdefault("started_at", time.time())
        row: Any = super().create_model_instance(data)
        row.session_key = stored_as(row.session_key)
        row.user_id = data.get(SESSION_KEY)
        row.started_at = datetime.fromtimestamp(started, UTC)
        # Counted from its beginning: using it does not make it longer.
        row.expire_date = row.started_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        row.seen_at, row.address = timezone.now(), _address()
        row.device = str(data.get("device", ""))[:60]
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
