"""Under which name a sign-in provider knows somebody."""

from django.conf import settings
from django.db import models


class ExternalIdentity(models.Model):
    """One person at one provider; never moved to another person."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="external_identities"
    )
    issuer = models.CharField(max_length=255)
    # The provider's own id of the person: addresses and names may pass to others, it may not.
    subject = models.CharField(max_length=255)
    email = models.EmailField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="external_identity_once"),
        ]

    def __str__(self) -> str:
        return self.email or self.subject
