"""The account on the platform, its two secrets, and who belongs to it here."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from instances.models.identity import new_id


class Role(models.TextChoices):
    """What a member may do with every instance of the organization."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


class Organization(models.Model):
    """One account on the platform: where it is, and the pair of secrets that opens it."""

    sealed_fields: ClassVar = ("user_secret", "organization_secret")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100, unique=True)
    base_url = models.CharField("base URL", max_length=300)
    environment_label = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="What people call it, such as Production or Staging.",
    )
    user_secret = models.TextField(editable=False)
    organization_secret = models.TextField(editable=False)
    # Raised with each replacement, so that an older sealed pair put back does not open.
    secrets_version = models.PositiveIntegerField(default=1, editable=False)
    secrets_set_at = models.DateTimeField(editable=False)
    # When the platform refused the present pair; nothing is sent until it is replaced.
    secrets_refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Which account the platform says it is: origin and the platform's own id of it.
    account = models.CharField(max_length=400, blank=True, default="", editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(base_url__startswith="https://") | Q(base_url__startswith="http://"),
                name="organization_base_url_is_http",
            ),
            models.CheckConstraint(
                condition=Q(user_secret__startswith="ce1.")
                & Q(organization_secret__startswith="ce1."),
                name="organization_secrets_are_sealed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("instances:organization", args=[self.pk])

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL: where the two secrets may be sent."""
        return "/".join(self.base_url.split("/")[:3])

    @property
    def sealing_context(self) -> str:
        """What the sealed pair is bound to besides its row."""
        return f"{self.origin}|{self.secrets_version}"

    @property
    def is_refused(self) -> bool:
        return self.secrets_refused_at is not None

    @property
    def is_halted(self) -> bool:
        """Whether nothing is sent for it until a person changes that."""
        return self.is_refused or not self.is_active


class Membership(models.Model):
    """A person's role in an organization."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization"],
                name="membership_once_per_organization",
                violation_error_message="This person is already a member.",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} ({self.role})"
