"""The key of a program: whose it is, what it may do, until when; never the key itself."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.organization import Organization

# How often it is written down that a key was used, or was refused.
NOTED_EVERY = timedelta(minutes=1)


class Scope(models.TextChoices):
    """What a program may do at most; each stands for itself, none includes another."""

    READ = "read", "Read: see instances, operations, elements and organizations"
    WRITE = "write", "Write: create, change, disable and delete instances"
    REVEAL = "reveal", "Reveal: fetch element tokens"
    ADMIN = "admin", "Admin: share instances, and read the audit record"


# The column that holds each scope.
SCOPE_COLUMNS = {
    Scope.READ: "may_read",
    Scope.WRITE: "may_write",
    Scope.REVEAL: "may_reveal",
    Scope.ADMIN: "may_administer",
}


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Questions asked of keys."""

    def usable(self) -> "ApiKeyQuerySet":
        """Those that are neither revoked nor expired, by the database's clock."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=Now())

    def note(self, key: "ApiKey", column: str, **changes: object) -> bool:
        """Write the present time into `column`, and `changes`, if the last time is a minute ago."""
        is_old = Q((column, None)) | Q((f"{column}__lt", Now() - NOTED_EVERY))
        return bool(self.filter(is_old, pk=key.pk).update(**{column: Now()}, **changes))


class ApiKey(models.Model):
    """One key of one person for one organization; it can never do more than they may do now."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    # The beginning of the key, by which it is found and which may be shown.
    prefix = models.CharField(max_length=14, unique=True)
    # Id of the key ring's key, and an HMAC by it of the whole key (docs/decisions/0018).
    digest = models.CharField(max_length=81, editable=False)
    may_read = models.BooleanField(default=False)
    may_write = models.BooleanField(default=False)
    may_reveal = models.BooleanField(default=False)
    may_administer = models.BooleanField(default=False)
    # Addresses and networks from which it is taken; empty: from everywhere.
    networks = models.JSONField(blank=True, default=list)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_address = models.CharField(max_length=45, blank=True, default="")
    last_refused_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The key beside which it was made, so that programs can move over.
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="successor"
    )
    # Chosen by the form, so that one that is sent twice makes one key.
    client_request_id = models.UUIDField(unique=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        indexes = [
            models.Index(fields=["organization", "-id"], name="api_key_by_organization"),
            models.Index(fields=["owner", "-id"], name="api_key_by_owner"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(may_read=True)
                | Q(may_write=True)
                | Q(may_reveal=True)
                | Q(may_administer=True),
                name="api_key_may_do_something",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gte=F("created_at")), name="api_key_ends_after_it_begins"
            ),
            # An HMAC is there, and nothing that looks like the key itself.
            models.CheckConstraint(
                condition=~Q(digest="") & ~Q(digest__startswith="edk_"),
                name="api_key_is_kept_as_a_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def scopes(self) -> list[Scope]:
        """What it may do at most."""
        return [scope for scope, column in SCOPE_COLUMNS.items() if getattr(self, column)]
