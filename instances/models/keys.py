"""Which keys sealed what is stored here, and this installation's own code."""

import secrets

from django.db import models

CODE_LETTERS = "abcdefghjkmnpqrstvwxyz0123456789"


class SealingKey(models.Model):
    """A key that has sealed values, with a check value that tells it from another of its name."""

    key_id = models.CharField(max_length=16, primary_key=True)
    check_value = models.CharField(max_length=64)
    first_used_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key_id


class Installation(models.Model):
    """The one row that tells this installation from every other in the same account."""

    code = models.CharField(max_length=8)
    # Raised while work is done; a copy beside the database tells when an old backup was restored.
    mark = models.PositiveBigIntegerField(default=0)
    # Since when nothing is sent, because the copy was ahead of the mark.
    fenced_at = models.DateTimeField(null=True, blank=True)
    # When whatever makes the backups said that one was complete (manage.py note_backup).
    backed_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="installation_is_one_row")
        ]

    def __str__(self) -> str:
        return self.code

    @classmethod
    def current(cls) -> "Installation":
        """Return the row, made on first use."""
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
        return cls.objects.get_or_create(pk=1, defaults={"code": code})[0]
