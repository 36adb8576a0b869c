"""What somebody has besides a password: an app with codes, passkeys, and codes for when both are lost."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from instances.models.identity import new_id


class FactorKind(models.TextChoices):
    """How it shows who somebody is."""

    APP = "app", "Authenticator app"
    PASSKEY = "passkey", "Passkey or security key"


class SecondFactorQuerySet(models.QuerySet["SecondFactor"]):
    """Questions asked of second factors."""

    def usable(self) -> "SecondFactorQuerySet":
        """Those that were shown to work once; only these count."""
        return self.filter(confirmed_at__isnull=False)


class SecondFactor(models.Model):
    """One app or one passkey of a person."""

    sealed_fields: ClassVar = ("secret",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factors"
    )
    kind = models.CharField(max_length=7, choices=FactorKind.choices)
    name = models.CharField(max_length=60, blank=True, default="")
    # Sealed: an app's seed; of a passkey its id and public key.
    secret = models.TextField(editable=False)
    # The last period of 30 seconds of which a code was taken: none is taken twice.
    last_step = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    objects = SecondFactorQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=FactorKind.values), name="second_factor_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(secret__startswith="ce1."), name="second_factor_is_sealed"
            ),
            models.CheckConstraint(
                condition=Q(kind=FactorKind.APP) | Q(confirmed_at__isnull=False),
                name="second_factor_passkey_was_shown",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(kind=FactorKind.APP, confirmed_at__isnull=False),
                name="second_factor_one_app",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.get_kind_display()

    @property
    def sealing_context(self) -> str:
        """Whose it is, and what kind: put beside another name it does not open."""
        return f"{self.user_id}|{self.kind}"


class RecoveryCode(models.Model):
    """One of ten codes, each good for one sign-in; sealed is only a hash of it."""

    sealed_fields: ClassVar = ("digest",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.TextField(editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(digest__startswith="ce1."), name="recovery_code_is_sealed"
            ),
        ]

    def __str__(self) -> str:
        return "Recovery code"

    @property
    def sealing_context(self) -> str:
        """Whose it is."""
        return str(self.user_id)
