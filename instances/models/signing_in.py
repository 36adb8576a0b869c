"""How often somebody tried to sign in, so that passwords cannot be guessed."""

from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

# After so long without a try, nothing is remembered of those before.
KEPT = timedelta(hours=24)


class SignInTriesQuerySet(models.QuerySet["SignInTries"]):
    """Questions asked of tries."""

    def forgotten(self) -> "SignInTriesQuerySet":
        """Those that count no more."""
        return self.filter(last_at__lt=Now() - KEPT)


class SignInTries(models.Model):
    """Tries in a row that did not end well, for one name, one device or one address."""

    # A keyed fingerprint: of what was typed as a name nothing is kept, it may be a password.
    key = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    # Before that nothing more is tried, the right password included.
    open_at = models.DateTimeField()

    objects = SignInTriesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "sign-in tries"
        indexes = [models.Index(fields=["last_at"], name="sign_in_tries_by_time")]

    def __str__(self) -> str:
        return f"{self.tries} tries"
