"""Browsers in which somebody is signed in: whose, since when, from where, last seen when."""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


def stored_as(session_key: str) -> str:
    """Return the name of the row of a session: a hash, 160 bits wide, of what the browser holds."""
    return hashlib.blake2b(session_key.encode(), digest_size=20).hexdigest()


class SessionQuerySet(models.QuerySet["Session"]):
    """Questions asked of sessions."""

    def alive(self) -> "SessionQuerySet":
        """Those that still sign somebody in: neither too old nor left alone for too long."""
        now = timezone.now()
        idle = timedelta(seconds=settings.SIGN_IN["IDLE_SECONDS"])
        return self.filter(expire_date__gt=now, seen_at__gt=now - idle)

    def over(self) -> "SessionQuerySet":
        """Those past their time, by a day: nobody needs them any more."""
        return self.filter(expire_date__lt=timezone.now() - timedelta(days=1))


class Session(models.Model):
    """
    A session as Django's store wants it, with what its owner wants to know of it.

    Deleting the row ends it at the next request.
    """

    session_key = models.CharField(max_length=40, primary_key=True)
    session_data = models.TextField()
    expire_date = models.DateTimeField(db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="sessions",
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True, default="")
    # What its browser calls itself, in a few words of ours.
    device = models.CharField(max_length=60, blank=True, default="")

    objects = SessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Session since {self.started_at:%Y-%m-%d %H:%M}"
