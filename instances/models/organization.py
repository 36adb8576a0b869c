"""The account on the platform, its two secrets, and who belongs to it here."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from instances.models.identity import new_id


class Role(models.TextChoices):
    """What a member may do with every instance of the organization."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


class BreakerState(models.TextChoices):
    """Whether calls go out, or repeated failures hold them back until a probe succeeds."""

    CLOSED = "closed", "Calls go out"
    OPEN = "open", "Paused"


def in_a_day() -> datetime:
    """Return when the instances of a new organization are first compared with what is known."""
    return timezone.now() + timedelta(days=1)


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Questions asked of organizations."""

    def callable(self) -> "OrganizationQuerySet":
        """Those for which calls may go out now, by the database's clock."""
        return self.filter(
            Q(paused_until__isnull=True) | Q(paused_until__lt=Now()),
            is_active=True,
            secrets_refused_at__isnull=True,
            breaker=BreakerState.CLOSED,
        )


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
    # What the platform calls the account, and whose the user secret is, when it told last.
    account_name = models.CharField(max_length=200, blank=True, default="", editable=False)
    person = models.CharField(max_length=200, blank=True, default="", editable=False)
    # When the platform last accepted the present pair, and when it is asked again.
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    verify_due_at = models.DateTimeField(db_default=Now(), editable=False)
    verify_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    verify_problem = models.CharField(max_length=300, blank=True, default="", editable=False)
    is_active = models.BooleanField(default=True)
    asks_reason = models.BooleanField(
        "ask for a reason",
        default=False,
        # For code of before, which adds organizations while an upgrade is under way.
        db_default=False,
        help_text="Whoever copies or reveals a token says why; the reason is in the audit record.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # Calls at the same time; empty: as the installation's setting says.
    calls_in_flight = models.PositiveSmallIntegerField(
        "calls in flight",
        null=True,
        blank=True,
        help_text="At most so many calls at once. Empty: as for every organization.",
    )
    # When work of it was last taken up: the one that waited longest is next.
    served_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Failures in a row since `failing_since`; enough of them open the breaker.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    breaker = models.CharField(
        max_length=6, choices=BreakerState.choices, default=BreakerState.CLOSED, editable=False
    )
    # Until when nothing is sent: the next probe while the breaker is open, else what a 429 asked.
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    pause_seconds = models.PositiveIntegerField(default=0, editable=False)
    # When the breaker closed or a 429's wait began: from then on calls grow from one at a time.
    resumed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When an outcome was last unknown, and when its account is next searched for strays.
    doubted_at = models.DateTimeField(null=True, blank=True, editable=False)
    audit_due_at = models.DateTimeField(default=in_a_day, editable=False)
    audited_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["audit_due_at"], name="organization_audit_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(breaker__in=BreakerState.values), name="organization_breaker_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(breaker=BreakerState.OPEN) | Q(paused_until__isnull=False),
                name="organization_open_breaker_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(calls_in_flight__isnull=True) | Q(calls_in_flight__gt=0),
                name="organization_calls_in_flight_is_positive",
                violation_error_message="At least one call must be possible.",
            ),
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
    def is_paused(self) -> bool:
        """Whether calls are held back for a while, by failures or because the platform asked."""
        is_waiting = self.paused_until is not None and self.paused_until > timezone.now()
        return self.breaker == BreakerState.OPEN or is_waiting

    def most_calls(self, usual: int, ramp_seconds: float) -> int:
        """
        Return how many calls may be in flight now; `usual` where it has no number of its own.

        After a pause it begins with one, and doubles with each `ramp_seconds`.
        """
        most = self.calls_in_flight or usual
        if self.resumed_at is None:
            return most
        steps = max(0.0, (timezone.now() - self.resumed_at).total_seconds()) / ramp_seconds
        return int(min(most, 2 ** min(int(steps), 16)))

    @property
    def is_halted(self) -> bool:
        """Whether nothing is sent for it until a person changes that."""
        return self.is_refused or not self.is_active

    @property
    def is_held_up(self) -> bool:
        """Whether its calls wait, for a person or for the platform."""
        return self.is_halted or self.is_paused


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
